"""Hears what people answer to a menu: the number of an option, or its title."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.ids import render_id
from gateway.messages import store
from gateway.messages.codec import decode_content
from gateway.messages.models import Direction, Message
from gateway.messages.progress import Progress
from gateway.messages.store import Entry
from sessions.content import Menu, MenuOption, Text

#: Whoever answers later means something else, unless they quote the menu.
ANSWERED_WITHIN = timedelta(hours=24)


class Choices:
    """Looks at every new text: whether it answers the last menu of its chat, or the one that it quotes."""

    def __init__(self, *, progress: Progress) -> None:
        self._progress = progress

    def filed(self, tx: Tx, session: Session, entry: Entry) -> None:
        """A message was filed: tell which option it chooses, if it does."""
        message = entry.message
        content = decode_content(message.content)
        if message.direction != Direction.IN or not isinstance(content, Text):
            return
        asked = self._asked(tx, message)
        if asked is None:
            return
        menu = decode_content(asked.content)
        assert isinstance(menu, Menu), "a row of this type holds a menu"
        number = choice_in(content.body, menu.options)
        if number is not None:
            option = menu.options[number - 1]
            choice = {"menu": render_id("msg", asked.id), "number": number, "id": option.id, "title": option.title}
            self._progress.announce(tx, entry, "menu.choice", choice=choice)

    def _asked(self, tx: Tx, message: Message) -> Message | None:
        if message.reply_to_id is not None:
            quoted = store.find(tx, org_id=message.org_id, message_id=message.reply_to_id)
            return quoted.message if quoted is not None and quoted.message.type == "menu" else None
        since = message.created_at - ANSWERED_WITHIN
        return store.last_menu(tx, org_id=message.org_id, chat_id=message.chat_id, since=since)


def choice_in(text: str, options: tuple[MenuOption, ...]) -> int | None:
    """The number of the option that a text names, by its number or its title; None where it names none."""
    said = _plain(text)
    digits = said.rstrip(".)").removeprefix("#")
    if digits.isascii() and digits.isdecimal() and len(digits) <= 3:
        number = int(digits)
        return number if 1 <= number <= len(options) else None
    return next((number for number, option in enumerate(options, start=1) if _plain(option.title) == said), None)


def _plain(text: str) -> str:
    """Without case, accents and blanks around it."""
    decomposed = unicodedata.normalize("NFKD", text).strip().casefold()
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
