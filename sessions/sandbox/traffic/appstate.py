"""The service's side of app state: versioned collections of patches that it stores and cannot read."""

from __future__ import annotations

from typing import NamedTuple

from sessions.protobuf import load
from sessions.sandbox.state.directory import Account, Device
from sessions.sandbox.state.store import Store
from sessions.sandbox.traffic.notices import Notices
from sessions.sandbox.traffic.queries.registry import Query, Routes
from sessions.sandbox.wire.node import Node

_server_sync = load("waServerSync.WAServerSync_pb2")

COLLECTIONS = ("critical_block", "critical_unblock_low", "regular_high", "regular", "regular_low")
_SPACE = "app state"
_CONFLICT = "409"


class SyncAnswer(NamedTuple):
    """What a device that synchronises is told, and which collections it has changed with its own patches."""

    node: Node
    changed: list[str]


class AppStates:
    """The patches of every account, oldest first; the version of a collection is their number."""

    def __init__(self, *, store: Store) -> None:
        self._space = store.space(_SPACE)
        self._patches: dict[tuple[str, str], list[bytes]] = {}
        for key, patch in self._space.items():
            number, collection, _ = key.split(" ")
            self._patches.setdefault((number, collection), []).append(patch)

    def sync(self, device: Device, sync: Node) -> SyncAnswer:
        """Answer `<sync>`: new patches for a device, or the reception of its own."""
        answers, changed = [], []
        for asked in sync.all("collection"):
            answer, has_changed = self._collection(device.account, asked)
            answers.append(answer)
            if has_changed:
                changed.append(asked.text("name"))
        return SyncAnswer(Node("sync", {}, answers), changed)

    def version(self, account: Account, collection: str) -> int:
        """How many patches a collection has."""
        return len(self._patches.get((account.number, collection), []))

    def _collection(self, account: Account, asked: Node) -> tuple[Node, bool]:
        name, known = asked.text("name"), int(asked.text("version") or 0)
        if name not in COLLECTIONS:
            return _refusal(name, "404", "item-not-found"), False
        patches = self._patches.setdefault((account.number, name), [])
        offered = asked.child("patch")
        if offered is None:
            return _with_patches(name, patches, known), False
        if known != len(patches):
            answer = _with_patches(name, patches, known)
            refusal = _refusal(name, _CONFLICT, "conflict")
            refusal.attrs["version"] = len(patches)
            refusal.content = [*refusal.children, *answer.children]
            return refusal, False
        patch = _numbered(offered.data, len(patches) + 1)
        patches.append(patch)
        self._space.put(f"{account.number} {name} {len(patches):010d}", patch)
        return Node("collection", {"name": name, "version": len(patches)}), True


class AppStateQueries:
    """Namespace ``w:sync:app:state``: devices fetch patches and hand in their own."""

    def __init__(self, *, states: AppStates, notices: Notices) -> None:
        self._states = states
        self._notices = notices

    def routes(self) -> Routes:
        """What is answered here."""
        return {("set", "w:sync:app:state", "sync"): self._sync}

    async def _sync(self, query: Query) -> list[Node]:
        answer = self._states.sync(query.device, query.child)
        if answer.changed:
            query.afterwards(lambda: self._tell_others(query.device, answer.changed))
        return [answer.node]

    async def _tell_others(self, changer: Device, collections: list[str]) -> None:
        account = changer.account
        for device in list(account.devices.values()):
            if device is changer:
                continue
            news = [
                Node("collection", {"name": name, "version": self._states.version(account, name)})
                for name in collections
            ]
            await self._notices.notify(device, "server_sync", news)


def _numbered(data: bytes, version: int) -> bytes:
    """A patch as others get it: which version it makes is said by the service, not by who wrote it."""
    patch = _server_sync.SyncdPatch.FromString(data)
    patch.version.version = version
    return bytes(patch.SerializeToString())


def _with_patches(name: str, patches: list[bytes], known: int) -> Node:
    node = Node("collection", {"name": name, "version": len(patches)})
    if patches[known:]:
        node.content = [Node("patches", {}, [Node("patch", {}, patch) for patch in patches[known:]])]
    return node


def _refusal(name: str, code: str, text: str) -> Node:
    return Node("collection", {"name": name, "type": "error"}, [Node("error", {"code": code, "text": text})])
