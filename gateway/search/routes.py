"""Search over HTTP."""

from __future__ import annotations

from typing import Any

from gateway.api.paging import write_cursor
from gateway.api.route import Call, route
from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx
from gateway.fleet.service import Sessions
from gateway.kit.ids import first_id_at
from gateway.principal import Principal
from gateway.search.asking import read_terms
from gateway.search.indexer import Indexer
from gateway.search.schemas import HitPage, MessageSearchQuery, SearchOut, SearchQuery
from gateway.search.scope import Scope
from gateway.search.service import search_messages, search_names


class SearchRoutes:
    """``/api/v1/search`` and ``/api/v1/messages/search``."""

    def __init__(self, *, database: Database, sessions: Sessions, contacts: Contacts, indexer: Indexer) -> None:
        self._database = database
        self._sessions = sessions
        self._contacts = contacts
        self._indexer = indexer

    @route(
        "GET",
        "/api/v1/messages/search",
        operation="messages.search",
        summary="Find messages by their words, newest first",
        tag="messages",
        description="In texts, captions, names of files, places and polls. Everything can be typed into `q`; signs that "
        "mean nothing are passed over.",
        query=MessageSearchQuery,
        gives=HitPage,
        errors=("session_not_found", "contact_not_found"),
    )
    async def messages(self, call: Call) -> dict[str, object]:
        principal, query = call.caller, call.query
        terms, position = read_terms(query.q), query.position()
        is_complete = await self._indexer.catch_up()

        def read(tx: Tx) -> dict[str, object]:
            scope = self._scope(tx, principal, query, position)
            found = search_messages(tx, principal, terms, scope, limit=query.limit)
            following = None if found.following is None else write_cursor(found.following)
            return {"items": found.hits, "next": following, "complete": is_complete}

        return await self._database.read(read)

    @route(
        "GET",
        "/api/v1/search",
        operation="search.query",
        summary="Find messages, contacts and chats",
        tag="messages",
        description="Messages by their words, as `GET /api/v1/messages/search` does; contacts and chats by part of a "
        "name, title or number.",
        query=SearchQuery,
        gives=SearchOut,
    )
    async def everything(self, call: Call) -> dict[str, object]:
        principal, query = call.caller, call.query
        terms = read_terms(query.q)
        is_complete = await self._indexer.catch_up()

        def read(tx: Tx) -> dict[str, object]:
            scope = Scope(org_id=principal.org_id, session_ids=principal.session_ids)
            found = search_messages(tx, principal, terms, scope, limit=query.limit)
            names = search_names(tx, principal, query.q, contacts=self._contacts, limit=query.limit)
            return {"messages": found.hits, **names, "complete": is_complete}

        return await self._database.read(read)

    def _scope(self, tx: Tx, principal: Principal, query: Any, position: int | None) -> Scope:
        session_ids = principal.session_ids
        if query.session is not None:
            session_ids = frozenset({self._sessions.get(tx, principal, query.session).id})
        contact_id = query.contact and self._contacts.get(tx, org_id=principal.org_id, contact_id=query.contact).id
        ends = [position, None if query.until is None else first_id_at(query.until)]
        return Scope(
            org_id=principal.org_id,
            session_ids=session_ids,
            chat_id=query.chat,
            contact_id=contact_id,
            direction=query.direction,
            type=query.type,
            first_id=None if query.since is None else first_id_at(query.since),
            before_id=min((end for end in ends if end is not None), default=None),
        )
