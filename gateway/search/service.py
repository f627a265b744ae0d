"""Searches what a caller may see: messages by their words, contacts and chats by part of a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.contacts.schemas import render_contact
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.messages.chat_list import list_chats, show_chat
from gateway.messages.finding import FoundMessage, find_messages
from gateway.principal import Principal
from gateway.search import store
from gateway.search.asking import Term
from gateway.search.highlights import highlight
from gateway.search.indexer import words_in
from gateway.search.scope import Scope


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page of messages; ``following`` is the position of the next one."""

    hits: Sequence[dict[str, object]]
    following: int | None


def search_messages(tx: Tx, principal: Principal, terms: Sequence[Term], scope: Scope, *, limit: int) -> Found:
    """Messages that hold all of the terms, newest first. Without a term that is wanted, nothing is found."""
    if all(term.is_excluded for term in terms):
        return Found(hits=[], following=None)
    ids = store.find(tx, terms, scope, most=limit + 1)
    kept = ids[:limit]
    hits = [_hit(found, terms) for found in find_messages(tx, principal, kept)]
    return Found(hits=hits, following=kept[-1] if len(ids) > limit else None)


def search_names(
    tx: Tx, principal: Principal, words: str, *, contacts: Contacts, limit: int
) -> dict[str, list[dict[str, object]]]:
    """Contacts and chats with these in their name, title or number, newest first."""
    people = contacts.page(tx, org_id=principal.org_id, limit=limit, search=words)
    chats = list_chats(tx, principal, limit=limit, search=words)
    return {"contacts": [render_contact(one) for one in people], "chats": [show_chat(one) for one in chats]}


def _hit(found: FoundMessage, terms: Sequence[Term]) -> dict[str, object]:
    return {"message": found.shown, "highlights": highlight(words_in(found.message), terms)}
