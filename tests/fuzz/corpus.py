"""One right stanza of every kind that a client is sent, as the loopback WhatsApp and the real one write them."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.address import GROUP_SERVER, LID_SERVER, NEWSLETTER_SERVER, Jid
from sessions.sandbox.wire.node import SERVER, Attrs, Node, Value

NOW = 1_790_000_000
GROUP = Jid("120363000000000077", GROUP_SERVER)
CHANNEL = Jid("120363000000000088", NEWSLETTER_SERVER)
STATUS = Jid("status", "broadcast")
KEY = bytes(range(32))


@dataclass(frozen=True)
class Sealed:
    """What somebody has rightly encrypted for the session: the kind of ciphertext and the ciphertext."""

    kind: str
    data: bytes


@dataclass(frozen=True)
class People:
    """Who is named in the stanzas: the session's own number and somebody who writes to it, each with their LID."""

    me: Jid
    my_lid: Jid
    other: Jid
    other_lid: Jid

    @property
    def my_device(self) -> Jid:
        return Jid(self.my_lid.user, LID_SERVER, 1)


def message(people: People, sealed: Sealed, number: str) -> Node:
    """A message from somebody, as the service hands it over."""
    attrs: Attrs = {"id": number, "type": "text", "notify": "Bo", "t": NOW, "from": people.other_lid}
    attrs |= {"addressing_mode": "lid", "sender_pn": people.other}
    return Node("message", attrs, [Node("enc", {"v": "2", "type": sealed.kind}, sealed.data)])


def corpus(people: People) -> list[Node]:
    """Every kind of stanza, apart from those which end a session or a connection."""
    return [
        *_messages(people),
        *_receipts(people),
        *_calls(people),
        *_presences(people),
        *_groups(people),
        *_devices(people),
        *_notices(people),
        *_queries(people),
    ]


def _messages(people: People) -> list[Node]:
    sealed = Sealed("msg", b"\x33" + KEY * 3)
    opening = Sealed("pkmsg", b"\x33\x08\x05\x12\x21\x05" + KEY + b"\x1a\x21\x05" + KEY + b"\x22\x10" + KEY[:16])
    direct = [message(people, one, f"3A00{at}") for at, one in enumerate((sealed, opening))]
    mine: Attrs = {"from": people.my_lid, "recipient": people.other_lid, "peer_recipient_pn": people.other}
    own = Node("message", {**direct[0].attrs, **mine, "id": "3A05"}, direct[0].content)
    peer = Node(
        "message", {"from": people.my_lid, "id": "3A06", "category": "peer", "t": NOW, "type": "text"}, [_enc()]
    )
    group: Attrs = {"from": GROUP, "participant": people.other_lid, "participant_pn": people.other, "id": "3A07"}
    shared = Node("message", {**group, "type": "media", "t": NOW, "addressing_mode": "lid"}, [_enc("skmsg"), _enc()])
    status = Node("message", {**shared.attrs, "from": STATUS, "id": "3A08"}, [_enc("skmsg")])
    post: Attrs = {"from": CHANNEL, "id": "3A09", "server_id": "101", "t": NOW, "type": "text"}
    plain = [Node("plaintext", {}, b"\x0a\x02hi"), Node("meta", {"msg_edit_t": NOW * 1000, "original_msg_t": NOW})]
    bot = Node("message", {"from": Jid("1", "bot"), "id": "3A10", "t": NOW, "type": "text"}, _of_a_bot(people))
    absent = Node("message", {**direct[0].attrs, "id": "3A11"}, [Node("unavailable", {"type": "view_once"})])
    edit = Node("message", {**direct[0].attrs, "id": "3A12", "edit": "1"}, [_enc(), *_beside(people)])
    return [*direct, own, peer, shared, status, Node("message", post, [*plain]), bot, absent, edit]


def _enc(kind: str = "msg") -> Node:
    return Node("enc", {"v": "2", "type": kind, "mediatype": "image", "count": 1}, b"\x33\x0a\x21\x05" + KEY * 2)


def _of_a_bot(people: People) -> list[Node]:
    attrs: Attrs = {"target_id": "3A01", "target_sender_jid": people.my_lid, "target_chat_jid": people.other_lid}
    bot = Node("bot", {"edit": "inner", "edit_target_id": "3A02", "sender_timestamp_ms": NOW * 1000})
    return [Node("meta", attrs), bot, Node("enc", {"v": "2", "type": "msmsg"}, b"\x0a\x02hi")]


def _beside(people: People) -> list[Node]:
    return [
        Node("verified_name", {"v": "1", "verified_level": "unknown", "serial": "77"}, b"\x0a\x02hi"),
        Node("device-identity", {}, b"\x0a\x10" + KEY),
        Node("participants", {}, [Node("to", {"jid": people.my_device})]),
        Node("meta", {"polltype": "creation", "thread_msg_id": "3A01", "thread_msg_sender_jid": people.other_lid}),
        Node("reporting", {}, [Node("reporting_token", {"v": "1"}, KEY[:16])]),
        Node("biz", {"actual_actors": "1", "host_storage": "1"}),
        Node("multicast"),
    ]


def _receipts(people: People) -> list[Node]:
    base: Attrs = {"from": people.other_lid, "id": "3EB0AA", "t": NOW}
    more = [Node("list", {}, [Node("item", {"id": f"3EB0A{at}"}) for at in range(3)])]
    again = [
        Node("retry", {"v": "1", "count": 1, "id": "3EB0AA", "t": NOW, "error": 1}),
        Node("registration", {}, b"\0\0\x12\x34"),
        _keys(),
    ]
    users = [Node("user", {"jid": people.other_lid, "t": NOW})]
    return [
        Node("receipt", base),
        Node("receipt", {**base, "type": "read"}, more),
        Node("receipt", {**base, "type": "played", "from": GROUP, "participant": people.other_lid}, more),
        Node("receipt", {**base, "type": "retry"}, again),
        Node("receipt", {**base, "type": "sender", "from": people.my_lid, "recipient": people.other_lid}),
        Node("receipt", {**base, "type": "server-error"}, [Node("encrypt", {}, [Node("enc_p", {}, KEY)])]),
        Node("receipt", {**base, "from": GROUP}, [Node("participants", {"key": "3EB0AA"}, users)]),
        Node("ack", {"class": "message", "from": people.other_lid, "id": "3EB0AA", "t": NOW, "phash": "2:abcd"}),
        Node("ack", {"class": "receipt", "from": people.other_lid, "id": "3EB0AB", "error": 479}),
    ]


def _keys() -> Node:
    key = Node("key", {}, [Node("id", {}, b"\0\0\1"), Node("value", {}, KEY)])
    signed = [Node("id", {}, b"\0\0\1"), Node("value", {}, KEY), Node("signature", {}, KEY * 2)]
    return Node("keys", {}, [Node("type", {}, b"\x05"), Node("identity", {}, KEY), key, Node("skey", {}, signed)])


def _calls(people: People) -> list[Node]:
    who: Attrs = {"call-id": "AB" * 16, "call-creator": people.other_lid, "caller_pn": people.other}
    sound = [Node("audio", {"enc": "opus", "rate": 16000}), Node("video", {"enc": "vp8"}), Node("net", {"medium": 3})]
    group: Attrs = {"group-jid": GROUP, "media": "audio", "type": "group"}
    steps = [
        Node("offer", who, sound),
        Node("offer_notice", {**who, **group}),
        *(Node(tag, {**who, "reason": "timeout"}, sound) for tag in ("accept", "preaccept", "transport", "reject")),
        Node("relaylatency", who, [Node("te", {"latency": 33554440}, KEY[:6])]),
        Node("terminate", {**who, "reason": "timeout"}),
    ]
    attrs: Attrs = {"from": people.other_lid, "id": "call1", "t": NOW, "platform": "android", "version": "2.24.1"}
    return [Node("call", {**attrs, "id": f"call{at}"}, [step]) for at, step in enumerate(steps)]


def _presences(people: People) -> list[Node]:
    return [
        Node("presence", {"from": people.other_lid}),
        Node("presence", {"from": people.other, "type": "unavailable", "last": NOW}),
        Node("chatstate", {"from": people.other_lid}, [Node("composing", {"media": "audio"})]),
        Node("chatstate", {"from": GROUP, "participant": people.other_lid}, [Node("paused")]),
    ]


def _groups(people: People) -> list[Node]:
    person = Node("participant", {"jid": people.other_lid, "phone_number": people.other, "type": "admin"})
    about = Node("description", {"id": "D1", "t": NOW, "participant": people.other_lid}, [Node("body", {}, b"about")])
    attrs: Attrs = {"id": GROUP.user, "subject": "s", "s_t": NOW, "creation": NOW, "p_v_id": 1, "size": 2}
    attrs |= {"addressing_mode": "lid", "creator": people.other_lid, "s_o": people.other_lid}
    whole = Node("group", attrs, [person, about, Node("locked"), Node("ephemeral", {"expiration": 86400})])
    changes = [
        Node("create", {"type": "new", "reason": "invite"}, [whole]),
        Node("subject", {"subject": "new", "s_t": NOW, "s_o": people.other_lid}),
        about,
        *(Node(tag, {"prev_v_id": 1, "v_id": 2}, [person]) for tag in ("add", "remove", "promote", "demote")),
        *(Node(tag) for tag in ("locked", "unlocked", "announcement", "not_announcement", "not_ephemeral", "delete")),
        Node("ephemeral", {"expiration": 86400, "trigger": 1}),
        Node("invite", {"code": "ABCDEFGH"}),
        Node("link", {"link_type": "sub_group"}, [Node("group", {"jid": GROUP, "subject": "x", "s_t": NOW})]),
        Node("unlink", {"unlink_type": "parent_group", "unlink_reason": "x"}, [Node("group", {"jid": GROUP})]),
        Node("membership_approval_mode", {}, [Node("group_join", {"state": "on"})]),
        Node("created_membership_requests", {"request_method": "invite_link"}, [person]),
        Node("member_add_mode", {}, b"admin_add"),
        Node("suspended"),
        Node("growth_locked", {"type": "invite", "expiration": NOW}),
    ]
    by: Attrs = {"participant": people.other_lid, "participant_pn": people.other, "notify": "Bo"}
    return [_notice("w:gp2", [change], sender=GROUP, **by, addressing_mode="lid") for change in changes]


def _devices(people: People) -> list[Node]:
    device = Node("device", {"jid": Jid(people.other_lid.user, LID_SERVER, 3), "key-index": 1})
    listed = Node("key-index-list", {"ts": NOW}, b"\x0a\x10" + KEY)
    own = [Node("device", {"jid": people.me, "lid": people.my_lid}), Node("device", {"jid": people.my_device})]
    return [
        _notice("devices", [Node("add", {"device_hash": "2:abcd"}, [device, listed])], sender=people.other_lid),
        _notice("devices", [Node("remove", {"device_hash": "2:abcd"}, [device, listed])], sender=people.other_lid),
        _notice("devices", [Node("update", {"hash": "abcd"})], sender=people.other),
        _notice("fbid:devices", [Node("update", {"hash": "abcd"})], sender=people.other),
        _notice("account_sync", [Node("devices", {"dhash": "2:abcd"}, own)], sender=people.me),
        _notice("encrypt", [Node("count", {"value": 500})]),
        _notice("encrypt", [Node("identity")], sender=people.other_lid),
        _notice("encrypt", [Node("digest")]),
    ]


def _notices(people: People) -> list[Node]:
    token = Node("token", {"type": "trusted_contact", "t": NOW}, KEY)
    retry = [Node("encrypt", {}, [Node("enc_p", {}, KEY), Node("enc_iv", {}, KEY[:12])]), Node("rmr", {"jid": GROUP})]
    posts = [Node("message", {"server_id": 1, "id": "3A", "type": "text", "t": NOW}, _post())]
    news = b'{"data":{"xwa2_notify_newsletter_on_join":{"id":"1@newsletter","state":{"type":"active"}}}}'
    privacy = Node("privacy", {}, [Node("category", {"name": "last", "value": "all"})])
    blocked = Node("item", {"action": "block", "jid": people.other_lid, "pn_jid": people.other})
    linking = Node("link_code_companion_reg", {"stage": "primary_hello"}, [Node("link_code_pairing_ref", {}, KEY)])
    return [
        _notice("server_sync", [Node("collection", {"name": "regular", "version": 3})]),
        _notice("account_sync", [privacy], sender=people.me),
        _notice("account_sync", [Node("blocklist", {"dhash": "1", "action": "modify"}, [blocked])], sender=people.me),
        _notice("account_sync", [Node("picture", {"timestamp": NOW, "id": 7})], sender=people.me),
        _notice("account_sync", [Node("status"), Node("tos")], sender=people.me),
        _notice("picture", [Node("set", {"jid": people.other_lid, "id": 5, "author": people.other_lid})]),
        _notice("picture", [Node("delete", {"jid": GROUP, "author": people.other_lid})], sender=GROUP),
        _notice("mediaretry", retry, sender=people.other_lid),
        _notice("mediaretry", [Node("error", {"code": 2}), retry[1]], sender=people.other_lid),
        _notice("privacy_token", [Node("tokens", {}, [token])], sender=people.other_lid, sender_lid=people.other_lid),
        _notice("newsletter", [Node("live_updates", {}, [Node("messages", {"t": NOW}, posts)])], sender=CHANNEL),
        _notice("mex", [Node("update", {"op_name": "NotificationNewsletterJoin"}, news)]),
        _notice("status", [Node("set", {}, b"busy")], sender=people.other_lid),
        _notice("business", [Node("profile", {"jid": people.other, "hash": "a"})], sender=people.other),
        _notice("disappearing_mode", [Node("disappearing_mode", {"duration": 0, "t": NOW})], sender=people.other),
        _notice("psa", [Node("campaign", {"id": 1}, b"hello")]),
        _notice("link_code_companion_reg", [linking]),
        _notice("crsc_continuation", [Node("crsc_continuation", {}, KEY)]),
        _notice("nobody_knows_this", [Node("x", {"y": "z"}, [Node("z")])]),
    ]


def _post() -> list[Node]:
    found = [Node("reaction", {"code": "x", "count": 3})]
    return [Node("plaintext", {}, b"\x0a\x02hi"), Node("views_count", {"count": 1}), Node("reactions", {}, [*found])]


def _queries(people: People) -> list[Node]:
    error = Node("error", {"code": 404, "text": "item-not-found"})
    counts: Attrs = {"count": 1, "appdata": 0, "message": 1, "notification": 0, "receipt": 0}
    return [
        Node("iq", {"from": SERVER, "id": "1.2-3", "type": "result"}, [Node("list", {}, [Node("user")])]),
        Node("iq", {"from": SERVER, "id": "1.2-4", "type": "error"}, [error]),
        Node("iq", {"from": SERVER, "id": "5", "type": "get", "xmlns": "urn:xmpp:ping"}),
        Node("iq", {"from": SERVER, "id": "6", "type": "set", "xmlns": "md"}, [Node("pair-nothing")]),
        Node("ib", {"from": SERVER}, [Node("offline_preview", counts)]),
        Node("ib", {"from": SERVER}, [Node("offline", {"count": 0})]),
        Node("ib", {"from": SERVER}, [Node("dirty", {"type": "account_sync", "timestamp": NOW})]),
        Node("ib", {"from": SERVER}, [Node("edge_routing", {}, [Node("routing_info", {}, KEY[:6])])]),
        Node("ib", {"from": SERVER}, [Node("downgrade_webclient")]),
        Node("error", {"code": 479}, [Node("smax-invalid")]),
        Node("status", {"from": people.other_lid, "id": "9", "t": NOW}, [Node("plaintext", {}, b"\x0a\x02hi")]),
        Node("appdata", {"from": people.other_lid, "id": "10", "t": NOW, "type": "text"}, [_enc()]),
        Node("nobody_knows_this", {"a": "b"}, [Node("c", {"d": people.me})]),
    ]


def _notice(kind: str, content: list[Node], *, sender: Jid = SERVER, **attrs: Value) -> Node:
    return Node("notification", {"from": sender, "type": kind, "id": f"n-{kind}", "t": NOW, **attrs}, content)
