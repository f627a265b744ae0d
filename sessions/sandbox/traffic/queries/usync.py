"""Namespace ``usync``: who is on WhatsApp, under which addresses, with which devices."""

from __future__ import annotations

from collections.abc import Callable

from sessions.address import LID_SERVER, Jid
from sessions.protobuf import load
from sessions.sandbox.state import adv
from sessions.sandbox.state.directory import Account, Directory
from sessions.sandbox.traffic.notices import list_hash
from sessions.sandbox.traffic.queries.registry import Query, Routes
from sessions.sandbox.wire.node import Attrs, Node

_names = load("waVnameCert.WAWebProtobufsVnameCert_pb2")


class UsyncQueries:
    """One question about many users, in several protocols at once."""

    def __init__(self, *, directory: Directory) -> None:
        self._directory = directory
        self._protocols: dict[str, Callable[[Account, Account], Node | None]] = {
            "lid": lambda account, _: Node("lid", {"val": account.lid}),
            "status": _status,
            "picture": _picture,
            "disappearing_mode": _disappearing_mode,
            "business": _business,
        }

    def routes(self) -> Routes:
        """What is answered here."""
        return {("get", "usync", "usync"): self._usync}

    async def _usync(self, query: Query) -> list[Node]:
        usync = query.child
        protocols = usync.require("query").children
        users = [self._user(query, user, protocols) for user in usync.require("list").all("user")]
        attrs: Attrs = {name: usync.text(name) for name in ("sid", "mode", "context")}
        results = Node("result", {}, [Node(protocol.tag) for protocol in protocols])
        return [Node("usync", {**attrs, "index": "0", "last": "true"}, [results, Node("list", {}, users)])]

    def _user(self, query: Query, asked: Node, protocols: list[Node]) -> Node:
        contact = asked.child("contact")
        if contact is not None and contact.data:
            account = self._directory.get(_digits(contact))
            by_lid = any(one.tag == "contact" and one.text("addressing_mode") == LID_SERVER for one in protocols)
            user = _contact(contact, account, by_lid=by_lid)
        else:
            jid = asked.jid("jid") or Jid(asked.text("jid"))
            account = self._directory.find(jid)
            user = Node("user", {"jid": jid}, [])
        assert isinstance(user.content, list)
        for protocol in protocols:
            found = self._protocol(query, protocol.tag, account, user)
            if found is not None:
                user.content.append(found)
        return user

    def _protocol(self, query: Query, tag: str, account: Account | None, user: Node) -> Node | None:
        if tag == "devices":
            return self._devices(query, account, user.require_jid("jid"))
        answer = self._protocols.get(tag)
        return answer(account, query.device.account) if answer and account else None

    def _devices(self, query: Query, account: Account | None, jid: Jid) -> Node:
        if account is None:
            return Node("devices", {}, [Node("error", {"code": "404", "text": "item-not-found"})])
        asker = query.device.account.number
        if account.record.known_to.get(asker) != jid.server:
            # From now on the asker keeps a list of these devices and has to hear about changes, under this address.
            account.record.known_to[asker] = jid.server
            self._directory.save_account(account)
        devices = account.reachable()
        entries = [Node("device", {"id": one.index, "key-index": one.record.key_index or None}) for one in devices]
        content = [Node("device-list", {"hash": list_hash(one.pn for one in devices)}, entries)]
        if account.companions:
            stamp: Attrs = {"ts": account.record.devices_at}
            content.append(Node("key-index-list", stamp, adv.key_index_list(account)))
        return Node("devices", {}, content)


def _digits(contact: Node) -> str:
    return contact.data.decode(errors="replace").partition("@")[0].lstrip("+")


def _contact(contact: Node, account: Account | None, *, by_lid: bool) -> Node:
    verdict = Node("contact", {"type": "in" if account else "out"}, contact.data)
    if account is None:
        return Node("user", {"jid": Jid(_digits(contact))}, [verdict])
    attrs: Attrs = {"jid": account.lid, "pn_jid": account.pn} if by_lid else {"jid": account.pn}
    return Node("user", attrs, [verdict])


def _status(account: Account, asker: Account) -> Node:
    if not account.shows("status", asker):
        return Node("status", {"code": "401", "type": "fail"})
    return Node("status", {"t": account.record.about_at}, account.record.about.encode())


def _picture(account: Account, asker: Account) -> Node | None:
    if not account.record.picture_id or not account.shows("profile", asker):
        return None
    return Node("picture", {"id": account.record.picture_id})


def _disappearing_mode(account: Account, _: Account) -> Node:
    return Node("disappearing_mode", {"duration": account.record.disappearing, "t": "0"})


def _business(account: Account, _: Account) -> Node | None:
    if not account.record.business:
        return None
    certificate = _names.VerifiedNameCertificate(
        details=_names.VerifiedNameCertificate.Details(
            serial=account.record.raw_id, issuer="smb:wa", verifiedName=account.record.business
        ).SerializeToString()
    )
    attrs: Attrs = {"v": "2", "verified_level": "unknown", "host_storage": "1", "actual_actors": "1"}
    attrs["privacy_mode_ts"] = account.record.about_at
    return Node("business", {}, [Node("verified_name", attrs, certificate.SerializeToString())])
