"""Namespaces of an account's own settings: privacy, block list, about text, disappearing messages."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any

from sessions.sandbox.state.directory import Account, Device, Directory
from sessions.sandbox.traffic.notices import Notices
from sessions.sandbox.traffic.queries.mex import MexError, MexHandler
from sessions.sandbox.traffic.queries.registry import BAD_REQUEST, NOT_ACCEPTABLE, Query, Routes
from sessions.sandbox.wire.node import Attrs, Node

_PRIVACY = {
    "readreceipts": ("all", "none"),
    "last": ("all", "contacts", "contact_blacklist", "none"),
    "status": ("all", "contacts", "contact_blacklist", "none"),
    "profile": ("all", "contacts", "contact_blacklist", "none"),
    "groupadd": ("all", "contacts", "contact_blacklist", "none"),
    "online": ("all", "match_last_seen"),
    "calladd": ("all", "known"),
    "messages": ("all", "contacts"),
    "defense": ("off", "on_standard"),
    "stickers": ("contacts", "contact_allowlist", "none"),
}
LONGEST_ABOUT = 139  # characters


class SettingQueries:
    """Reads and changes settings, and tells the account's other devices."""

    def __init__(self, *, directory: Directory, notices: Notices) -> None:
        self._directory = directory
        self._notices = notices

    def routes(self) -> Routes:
        """What is answered here."""
        return {
            ("get", "privacy", "privacy"): self._privacy,
            ("set", "privacy", "privacy"): self._set_privacy,
            ("set", "privacy", "tokens"): self._trust,
            ("get", "status", "privacy"): self._status_privacy,
            ("get", "blocklist", ""): self._blocklist,
            ("get", "blocklist", "*"): self._blocklist,
            ("set", "blocklist", "item"): self._block,
            ("set", "status", "status"): self._set_about,
            ("get", "disappearing_mode", "*"): self._disappearing,
            ("get", "disappearing_mode", ""): self._disappearing,
            ("set", "disappearing_mode", "disappearing_mode"): self._set_disappearing,
        }

    def questions(self) -> dict[str, MexHandler]:
        """The numbered questions that are answered here."""
        return {"9152604461510864": self._set_text_status}

    async def _privacy(self, query: Query) -> list[Node]:
        return [_privacy(query.device.account)]

    async def _status_privacy(self, query: Query) -> list[Node]:
        """Who is shown statuses: everybody else on this WhatsApp, as if each had been chosen by hand."""
        everybody = [account for account in self._directory if account is not query.device.account]
        people = [Node("user", {"jid": account.pn}) for account in everybody]
        shown = Node("list", {"type": "whitelist", "default": "true"}, people)
        return [Node("privacy", {}, [shown])]

    async def _set_privacy(self, query: Query) -> list[Node]:
        account = query.device.account
        for category in query.child.all("category"):
            name, value = category.text("name"), category.text("value")
            if value not in _PRIVACY.get(name, ()):
                raise BAD_REQUEST
            account.record.privacy[name] = value
        self._directory.save_account(account)
        settings = _privacy(account)
        await self._tell_others(account, settings, by=query.device)
        return [settings]

    async def _trust(self, query: Query) -> list[Node]:
        """A contact is trusted from now on: give it the token that proves so in its answers."""
        sender = query.device.account
        for trusted in query.child.all("token"):
            contact = self._directory.find(trusted.require_jid("jid"))
            for device in contact.companions if contact else []:
                stamp = trusted.text("t") or str(int(time.time()))
                attrs: Attrs = {"jid": device.account.lid, "t": stamp, "type": "trusted_contact"}
                tokens = Node("tokens", {}, [Node("token", attrs, secrets.token_bytes(11))])
                await self._notices.notify(device, "privacy_token", [tokens], sender=sender.lid)
        return []

    async def _blocklist(self, query: Query) -> list[Node]:
        return [self._blocked(query.device.account)]

    async def _block(self, query: Query) -> list[Node]:
        account = query.device.account
        contact = self._directory.find(query.child.jid("jid"))
        if contact is None or contact is account:
            raise NOT_ACCEPTABLE
        blocks = query.child.text("action") == "block"
        await self.block(account, contact, blocks=blocks, by=query.device)
        return [self._blocked(account)]

    async def block(self, account: Account, contact: Account, *, blocks: bool, by: Device | None) -> None:
        """Block somebody, or no longer; tell the account's other devices."""
        before = _blocklist_hash(account)
        others = set(account.record.blocked) - {contact.number}
        account.record.blocked = sorted(others | {contact.number} if blocks else others)
        self._directory.save_account(account)
        attrs: Attrs = {"action": "block" if blocks else "unblock", "jid": contact.lid}
        # An action on the list itself would say that it is to be fetched anew.
        hashes: Attrs = {"dhash": _blocklist_hash(account), "prev_dhash": before}
        await self._tell_others(account, Node("blocklist", hashes, [Node("item", attrs)]), by=by)

    async def _set_about(self, query: Query) -> list[Node]:
        about = query.child.data.decode(errors="replace")
        if len(about) > LONGEST_ABOUT:
            raise BAD_REQUEST
        await self.set_about(query.device.account, about)
        return []

    async def _set_text_status(self, device: Device, variables: dict[str, Any]) -> dict[str, Any]:
        about = variables["input"]["text"] or ""
        if len(about) > LONGEST_ABOUT:
            raise MexError(400, "Bad Request")
        await self.set_about(device.account, about)
        return {"xwa2_update_text_status": {"result": "SUCCESS"}}

    async def set_about(self, account: Account, about: str) -> None:
        """Change what an account says of itself; tell those who know the account and may read it."""
        account.record.about, account.record.about_at = about, int(time.time())
        self._directory.save_account(account)
        for number in account.record.known_to:
            other = self._directory.get(number)
            if other is None or other is account or not account.shows("status", other):
                continue
            for device in other.companions:
                await self._notices.notify(device, "status", [Node("set", {}, about.encode())], sender=account.pn)

    async def _disappearing(self, query: Query) -> list[Node]:
        return [Node("disappearing_mode", {"duration": query.device.account.record.disappearing, "t": "0"})]

    async def _set_disappearing(self, query: Query) -> list[Node]:
        duration = query.child.text("duration")
        if not duration.isdecimal():
            raise BAD_REQUEST
        query.device.account.record.disappearing = int(duration)
        self._directory.save_account(query.device.account)
        return []

    def _blocked(self, account: Account) -> Node:
        contacts = [self._directory.get(number) for number in account.record.blocked]
        items = [Node("item", {"jid": contact.lid, "pn_jid": contact.pn}) for contact in contacts if contact]
        return Node("list", {"dhash": _blocklist_hash(account), "matched": "false"}, items)

    async def _tell_others(self, account: Account, content: Node, *, by: Device | None) -> None:
        await self._notices.notify_companions(account, "account_sync", [content], but=by)


def _privacy(account: Account) -> Node:
    values = {name: account.record.privacy.get(name, choices[0]) for name, choices in _PRIVACY.items()}
    return Node("privacy", {}, [Node("category", {"name": name, "value": value}) for name, value in values.items()])


def _blocklist_hash(account: Account) -> str:
    digest = hashlib.sha256(",".join(account.record.blocked).encode()).digest()
    return "2:" + base64.b64encode(digest[:6]).decode()
