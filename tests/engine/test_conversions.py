"""WhatsApp's messages and events turned into ours and back, without the library."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.address import Address, Jid
from sessions.content import (
    Audio,
    ContactCard,
    Contacts,
    Content,
    Document,
    Edit,
    Envelope,
    Image,
    Location,
    MessageKey,
    OutgoingFile,
    Poll,
    Quote,
    Reaction,
    RemoteFile,
    Revoke,
    Sticker,
    Text,
    Unsupported,
    Video,
)
from sessions.errors import InvalidRequestError
from sessions.events import (
    Ended,
    HistoryReceived,
    Identified,
    MessageReceived,
    PresenceChanged,
    PushNames,
    ReceiptKind,
    ReceiptReceived,
    Typing,
    Unparsed,
)
from sessions.protobuf import load
from sessions.status import Reason
from sessions.worker.inbound import codes, history
from sessions.worker.inbound.content import read_content
from sessions.worker.inbound.context import Reading
from sessions.worker.inbound.parts import context_of, unwrap
from sessions.worker.outbound.message import build, file_to_upload
from sessions.worker.outbound.parts import Uploaded

neonize: Any = load("Neonize_pb2")
e2e: Any = load("waE2E.WAWebProtobufsE2E_pb2")

ME = Address(pn=Jid("15550000001"), lid=Jid("900", "lid"))
PEER = Address(pn=Jid("15550000002"), lid=Jid("901", "lid"))
GROUP = Address(other=Jid("120363", "g.us"))
FILE = OutgoingFile(
    path="/nowhere", size=10, mimetype="image/jpeg", sha256="00", filename="a.jpg", width=4, height=3, seconds=7
)
UPLOADED = Uploaded(
    url="https://mmg.whatsapp.net/x",
    direct_path="/v/x",
    media_key=b"k" * 32,
    sha256=b"s" * 32,
    encrypted_sha256=b"e" * 32,
    size=10,
    uploaded_at=1_700_000_000.0,
)
KEY = MessageKey(chat=PEER, wa_id="3EB0AA", from_me=True)


def sent(content: Content, *, to: Address = PEER, **fields: Any) -> Any:
    """The message that an envelope becomes on the wire."""
    envelope = Envelope(to=to, content=content, secret=b"x" * 32, **fields)
    return e2e.Message.FromString(build(envelope, uploaded=UPLOADED, now=1_700_000_000.0))


def seen(message: Any, *, chat: Address = PEER, from_me: bool = True, author: Address = ME) -> Content | None:
    """What the other end reads in it."""
    inner, view_once = unwrap(message)
    reading = Reading(me=ME)
    return read_content(inner, view_once=view_once, chat=chat, author=author, from_me=from_me, reading=reading)


#: Without null characters: they are refused on the way out and dropped on the way in.
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)
degrees = st.floats(min_value=-90, max_value=90)


@given(
    st.one_of(
        words.map(lambda body: Text(body=body)),
        st.builds(Location, latitude=degrees, longitude=degrees, name=words.map(lambda text: text or None)),
        st.builds(
            Poll,
            question=words,
            options=st.lists(words, min_size=1, max_size=12).map(tuple),
            selectable=st.integers(min_value=1, max_value=12),
        ),
        st.builds(
            Contacts,
            cards=st.lists(st.builds(ContactCard, name=words, vcard=words), min_size=1, max_size=4).map(tuple),
        ),
    )
)
def test_what_is_built_is_read_back_the_same(content: Content) -> None:
    assert seen(sent(content)) == content


@pytest.mark.parametrize(
    "content",
    [
        Image(file=FILE, caption="look"),
        Image(file=FILE, view_once=True),
        Video(file=FILE, caption="look", gif=True),
        Audio(file=FILE, voice=True),
        Audio(file=FILE, voice=True, view_once=True),
        Document(file=FILE),
        Document(file=FILE, caption="read"),
        Sticker(file=FILE, animated=True),
    ],
)
def test_a_file_travels_with_its_keys_and_looks(content: Image | Video | Audio | Document | Sticker) -> None:
    read = seen(sent(content))

    assert type(read) is type(content)
    assert getattr(read, "view_once", False) == getattr(content, "view_once", False)
    file = read.file
    assert isinstance(file, RemoteFile)
    assert (file.direct_path, file.media_key, file.size) == ("/v/x", b"k" * 32, 10)
    assert (file.sha256, file.encrypted_sha256) == (b"s" * 32, b"e" * 32)
    assert file.mimetype == "image/jpeg"
    assert msgspec.structs.replace(read, file=FILE) == content


@pytest.mark.parametrize(
    "content",
    [
        Reaction(target=KEY, emoji="👍"),
        Reaction(target=KEY, emoji=""),
        Edit(target=KEY, body="better"),
        Revoke(target=KEY),
    ],
)
def test_an_action_names_its_message(content: Reaction | Edit | Revoke) -> None:
    read = seen(sent(content))

    assert read == content


def test_the_other_side_means_its_own_messages_when_it_says_mine() -> None:
    theirs = sent(Reaction(target=KEY, emoji="👍"))

    read = seen(theirs, from_me=False, author=PEER)

    assert isinstance(read, Reaction)
    assert not read.target.from_me


def test_in_a_group_the_participant_tells_whose_message_it_is() -> None:
    ours = MessageKey(chat=GROUP, wa_id="3EB0AA", from_me=False, participant=ME)
    reaction = sent(Reaction(target=ours, emoji="👍"), to=GROUP)

    read = seen(reaction, chat=GROUP, from_me=False, author=PEER)

    assert isinstance(read, Reaction)
    assert read.target.from_me


def test_every_message_carries_its_secret() -> None:
    for content in (Text(body="hello"), Image(file=FILE), Reaction(target=KEY, emoji="x"), Edit(target=KEY, body="y")):
        assert sent(content).messageContextInfo.messageSecret == b"x" * 32


def test_a_quote_and_mentions_go_along() -> None:
    quote = Quote(wa_id="3EB0BB", sender=PEER, content=Text(body="before"))

    message = sent(Text(body="hi @901"), quote=quote, mentions=(PEER,))

    context = context_of(message)
    assert context is not None
    assert context.stanzaID == "3EB0BB"
    assert context.participant == "901@lid"
    assert context.quotedMessage.conversation == "before"
    assert list(context.mentionedJID) == ["901@lid"]
    assert seen(message) == Text(body="hi @901")


def test_a_secret_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        build(Envelope(to=PEER, content=Text(body="x"), secret=b"short"), uploaded=None, now=0)


def test_a_file_elsewhere_cannot_be_sent() -> None:
    remote = RemoteFile(direct_path="/v", media_key=b"", sha256=b"", encrypted_sha256=b"", size=1, mimetype="image/png")

    with pytest.raises(InvalidRequestError):
        file_to_upload(Image(file=remote))


def test_keys_being_handed_out_are_no_message() -> None:
    message = e2e.Message(senderKeyDistributionMessage=e2e.SenderKeyDistributionMessage(groupID="1@g.us"))

    assert seen(message) is None


def test_the_protocols_own_business_is_no_message() -> None:
    shared = e2e.ProtocolMessage(type=e2e.ProtocolMessage.APP_STATE_SYNC_KEY_SHARE)

    assert seen(e2e.Message(protocolMessage=shared)) is None


def test_what_is_not_known_is_named_and_kept() -> None:
    order = e2e.Message(orderMessage=e2e.OrderMessage(orderID="1"))

    assert seen(order) == Unsupported(name="orderMessage", raw=order.SerializeToString())


def test_what_is_not_known_and_very_large_is_only_named() -> None:
    order = e2e.Message(orderMessage=e2e.OrderMessage(orderID="1", message="x" * 50_000))

    assert seen(order) == Unsupported(name="orderMessage")


def jid(address: Jid | None) -> Any:
    if address is None:
        return neonize.JID(User="", Server="", RawAgent=0, Device=0, Integrator=0, IsEmpty=True)
    return neonize.JID(
        User=address.user, Server=address.server, RawAgent=0, Device=address.device, Integrator=0, IsEmpty=False
    )


def source(*, chat: Jid, sender: Jid, alt: Jid | None = None, recipient_alt: Jid | None = None, **fields: Any) -> Any:
    return neonize.MessageSource(
        Chat=jid(chat),
        Sender=jid(sender),
        SenderAlt=jid(alt),
        RecipientAlt=jid(recipient_alt),
        BroadcastListOwner=jid(None),
        **{"IsFromMe": False, "IsGroup": False, **fields},
    )


def message_event(message_source: Any, message: Any) -> bytes:
    event = neonize.Message(
        Info=neonize.MessageInfo(
            MessageSource=message_source,
            ID="3EB0CC",
            ServerID=0,
            Type="text",
            Pushname="Ben",
            Timestamp=1_700_000_000_250,
            Category="",
            Multicast=False,
            MediaType="",
            Edit="",
        ),
        Message=message,
    )
    return bytes(event.SerializePartialToString())


def read_one(code: int, data: bytes) -> Any:
    events = codes.read_event(code, data, Reading(me=ME))
    assert len(events) == 1
    return events[0]


def test_a_direct_message_has_both_names_of_its_sender_and_no_device() -> None:
    assert PEER.lid is not None
    where = source(chat=PEER.lid, sender=Jid("901", "lid", 5), alt=PEER.pn)

    read = read_one(17, message_event(where, e2e.Message(conversation="hi")))

    assert isinstance(read, MessageReceived)
    assert read.key == MessageKey(chat=PEER, wa_id="3EB0CC", from_me=False)
    assert read.sender == PEER
    assert read.timestamp == 1_700_000_000.25
    assert read.push_name == "Ben"


def test_a_message_typed_on_the_linked_phone_belongs_to_the_recipients_chat() -> None:
    assert PEER.lid is not None
    assert ME.lid is not None
    where = source(chat=PEER.lid, sender=ME.lid, alt=ME.pn, recipient_alt=PEER.pn, IsFromMe=True)

    read = read_one(17, message_event(where, e2e.Message(conversation="hi")))

    assert read.key.from_me
    assert read.key.chat == PEER
    assert read.sender == ME


def test_a_group_message_names_its_participant() -> None:
    assert GROUP.other is not None
    assert PEER.lid is not None
    where = source(chat=GROUP.other, sender=PEER.lid, alt=PEER.pn, IsGroup=True)

    read = read_one(17, message_event(where, e2e.Message(conversation="hi")))

    assert read.key == MessageKey(chat=GROUP, wa_id="3EB0CC", from_me=False, participant=PEER)


def test_text_that_is_not_utf8_is_read_as_well_as_it_goes() -> None:
    assert PEER.pn is not None
    where = source(chat=PEER.pn, sender=PEER.pn)
    raw = message_event(where, e2e.Message(conversation="caf#")).replace(b"caf#", b"caf\xe9")

    read = read_one(17, raw)

    assert read.content == Text(body="caf�")


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (1, ReceiptKind.DELIVERED),
        (3, ReceiptKind.RETRY),
        (4, ReceiptKind.READ),
        (5, ReceiptKind.READ_BY_SELF),
        (6, ReceiptKind.PLAYED),
        (8, ReceiptKind.PLAYED_BY_SELF),
        (9, ReceiptKind.DELIVERED),
        (11, ReceiptKind.OTHER),
    ],
)
def test_receipts_say_what_happened(number: int, kind: ReceiptKind) -> None:
    assert PEER.lid is not None
    where = source(chat=PEER.lid, sender=PEER.lid, alt=PEER.pn)
    raw = neonize.Receipt(MessageSource=where, MessageIDs=["A", "B"], Timestamp=1_700_000_000, Type=number)

    read = read_one(18, raw.SerializeToString())

    assert read == ReceiptReceived(chat=PEER, by=PEER, wa_ids=("A", "B"), receipt=kind, timestamp=1_700_000_000.0)


def test_typing_and_recording_are_told_apart() -> None:
    assert PEER.lid is not None
    where = source(chat=PEER.lid, sender=PEER.lid, alt=PEER.pn)

    states = [
        read_one(19, neonize.ChatPresence(MessageSource=where, State=state, Media=media).SerializeToString())
        for state, media in ((1, 1), (1, 2), (2, 1))
    ]

    assert states == [Typing(chat=PEER, who=PEER, state=state) for state in ("composing", "recording", "paused")]


def test_a_last_seen_that_is_hidden_is_not_a_time() -> None:
    raw = neonize.Presence(From=jid(PEER.pn), Unavailable=True, LastSeen=-62135596800)

    read = read_one(20, raw.SerializeToString())

    assert read == PresenceChanged(who=Address(pn=PEER.pn), online=False, last_seen=None)


def test_the_device_event_tells_who_we_are() -> None:
    raw = neonize.Device(
        JID=jid(Jid("15550000001", device=7)),
        LID=jid(Jid("900", "lid", 7)),
        Platform="android",
        BussinessName="",
        PushName="Ana",
        Initialized=True,
    )
    reading = Reading()

    events = codes.read_event(0, raw.SerializeToString(), reading)

    assert events == [Identified(me=ME, device=7, push_name="Ana")]
    assert reading.is_me(Jid("900", "lid", 3))


@pytest.mark.parametrize(
    ("number", "reason", "code"),
    [
        (2, Reason.UNLINKED_FROM_PHONE, 401),
        (4, Reason.ACCOUNT_LOCKED, 403),
        (5, Reason.ACCOUNT_BANNED, 406),
    ],
)
def test_a_logout_says_why(number: int, reason: Reason, code: int) -> None:
    raw = neonize.LoggedOut(OnConnect=True, Reason=number)

    assert read_one(6, raw.SerializeToString()) == Ended(reason=reason, code=code)


def test_a_long_history_comes_in_pieces_with_both_names() -> None:
    sync: Any = load("waHistorySync.WAWebProtobufsHistorySync_pb2")
    web: Any = load("waWeb.WAWebProtobufsWeb_pb2")
    common: Any = load("waCommon.WACommon_pb2")
    messages = [
        sync.HistorySyncMsg(
            message=web.WebMessageInfo(
                key=common.MessageKey(remoteJID="901@lid", fromMe=n % 2 == 0, ID=f"H{n}"),
                message=e2e.Message(conversation=f"old {n}"),
                messageTimestamp=1_600_000_000 + n,
            )
        )
        for n in range(120)
    ]
    data = sync.HistorySync(
        syncType=3,
        progress=40,
        conversations=[sync.Conversation(ID="901@lid", messages=messages)],
        pushnames=[sync.Pushname(ID="15550000002@s.whatsapp.net", pushname="Ben")],
        phoneNumberToLidMappings=[sync.PhoneNumberToLIDMapping(pnJID="15550000002@s.whatsapp.net", lidJID="901@lid")],
    )

    events = codes.read_event(13, neonize.HistorySync(Data=data).SerializeToString(), Reading(me=ME))

    names, *pieces = events
    assert names == PushNames(names=((PEER, "Ben"),))
    assert all(isinstance(piece, HistoryReceived) for piece in pieces)
    assert [len(piece.messages) for piece in pieces] == [history.MESSAGES_PER_PIECE, history.MESSAGES_PER_PIECE, 20]
    first, second = pieces[0].messages[:2]
    assert (first.key.chat, first.sender, first.key.from_me) == (PEER, ME, True)
    assert (second.sender, second.key.from_me, second.timestamp) == (PEER, False, 1_600_000_001.0)


@given(code=st.integers(min_value=0, max_value=255), data=st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail(code: int, data: bytes) -> None:
    for event in codes.read_event(code, data, Reading(me=ME)):
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=type(event)) == event


def test_an_event_that_nobody_knows_is_reported_as_such() -> None:
    assert codes.read_event(99, b"", Reading()) == [Unparsed(event_code=99, error="KeyError")]


def test_only_events_that_can_be_read_are_asked_for() -> None:
    with_typing, without = codes.subscribed(typing=True, channels=True), codes.subscribed(typing=False, channels=True)

    assert set(with_typing) - set(without) == {codes.TYPING, codes.PRESENCE}
    assert 45 not in with_typing, "a secret of the account"
