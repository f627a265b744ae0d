"""Namespaces ``w:m`` and ``w:profile:picture``: where files live, and whose face is whose."""

from __future__ import annotations

import secrets
import time
from typing import Protocol

from sessions.sandbox.state.directory import Account, Directory
from sessions.sandbox.state.groups import Group, Groups
from sessions.sandbox.traffic.groups.news import GroupNews
from sessions.sandbox.traffic.notices import Notices
from sessions.sandbox.traffic.queries.registry import (
    FORBIDDEN,
    NOT_ACCEPTABLE,
    NOT_AUTHORIZED,
    NOT_FOUND,
    Query,
    Routes,
)
from sessions.sandbox.wire.node import Attrs, Node

MEDIA_HOST = "mmg.whatsapp.net"
PICTURE_HOST = "pps.whatsapp.net"

_JPEG = b"\xff\xd8\xff"
_LIFE = 300  # seconds that a client may use an answer about the media host
_TOKEN_LIFE = 21_600
_JPEG = b"\xff\xd8\xff"


class MediaShelf(Protocol):
    """Where files and profile pictures are kept."""

    def issue_auth(self) -> str:
        """A token with which a client may upload files."""

    def put_picture(self, name: str, jpeg: bytes) -> None:
        """Keep a picture; it is then served under ``/pp/{name}`` of the picture host."""


class MediaQueries:
    """Answers with addresses; the files themselves travel over HTTPS."""

    def __init__(
        self, *, directory: Directory, groups: Groups, news: GroupNews, notices: Notices, media: MediaShelf
    ) -> None:
        self._directory = directory
        self._groups = groups
        self._news = news
        self._notices = notices
        self._media = media

    def routes(self) -> Routes:
        """What is answered here."""
        return {
            ("set", "w:m", "media_conn"): self._media_connection,
            ("get", "w:profile:picture", "picture"): self._picture,
            ("set", "w:profile:picture", "picture"): self._set_picture,
            ("set", "w:profile:picture", ""): self._set_picture,
        }

    async def _media_connection(self, query: Query) -> list[Node]:
        attrs: Attrs = {
            "auth": self._media.issue_auth(),
            "ttl": _LIFE,
            "auth_ttl": _TOKEN_LIFE,
            "max_buckets": "12",
            "max_manual_retry": "3",
            "max_auto_download_retry": "3",
        }
        return [Node("media_conn", attrs, [Node("host", {"hostname": MEDIA_HOST, "type": "primary"})])]

    async def _picture(self, query: Query) -> list[Node]:
        target = query.stanza.jid("target") or query.device.pn
        account = self._directory.find(target)
        if account is not None and not account.shows("profile", query.device.account):
            raise NOT_AUTHORIZED
        record = self._groups.find(target) or (account.record if account else None)
        if record is None or not record.picture_id:
            raise NOT_FOUND
        if query.child.text("id") == record.picture_id:
            return []
        path = f"/pp/{record.picture}"
        attrs: Attrs = {"id": record.picture_id, "type": query.child.text("type") or "image", "direct_path": path}
        return [Node("picture", {**attrs, "url": f"https://{PICTURE_HOST}{path}"})]

    async def _set_picture(self, query: Query) -> list[Node]:
        target = query.stanza.jid("target")
        account = query.device.account
        group = self._groups.find(target)
        if group is not None:
            return await self._set_group_picture(query, group)
        if target is not None and self._directory.find(target) is not account:
            raise NOT_ACCEPTABLE
        jpeg = query.child.data if query.stanza.children else b""
        if query.stanza.children and not jpeg.startswith(_JPEG):
            raise NOT_ACCEPTABLE
        await self.set_picture(account, jpeg)
        return [Node("picture", {"id": account.record.picture_id})] if jpeg else []

    async def _set_group_picture(self, query: Query, group: Group) -> list[Node]:
        actor, jpeg = query.device.account, query.child.data if query.stanza.children else b""
        if actor.number not in group.members or (group.locked and not group.is_admin(actor.number)):
            raise FORBIDDEN
        if query.stanza.children and not jpeg.startswith(_JPEG):
            raise NOT_ACCEPTABLE
        group.picture_id = str(time.time_ns() // 1_000_000) if jpeg else ""
        group.picture = secrets.token_hex(12) if jpeg else ""
        if jpeg:
            self._media.put_picture(group.picture, jpeg)
        self._groups.save(group)
        await self._news.picture(group, actor)
        return [Node("picture", {"id": group.picture_id})] if jpeg else []

    async def set_picture(self, account: Account, jpeg: bytes) -> None:
        """Change an account's profile picture, or remove it with empty bytes; tell those who know the account."""
        record = account.record
        record.picture_id = str(time.time_ns() // 1_000_000) if jpeg else ""
        record.picture = secrets.token_hex(12) if jpeg else ""
        if jpeg:
            self._media.put_picture(record.picture, jpeg)
        self._directory.save_account(account)
        tag = "set" if jpeg else "delete"
        change = Node(tag, {"jid": account.pn, "id": record.picture_id, "author": account.pn})
        for number in [account.number, *record.known_to]:
            other = self._directory.get(number)
            for device in other.companions if other else []:
                await self._notices.notify(device, "picture", [change], sender=account.pn)
