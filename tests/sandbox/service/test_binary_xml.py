"""WhatsApp's binary XML: what is written is read back, and garbage is refused."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.address import GROUP_SERVER, LID_SERVER, PN_SERVER, Jid
from sessions.sandbox.wire.node import MalformedStanzaError, Node
from sessions.sandbox.wire.tokens import Tokens, TokensNotFoundError, read_tokens
from sessions.sandbox.wire.wabinary import Codec, MalformedFrameError

_words = st.sampled_from(["message", "s.whatsapp.net", "15550001", "3EB0C4", "-1.5", "not a token", "é", "a" * 300])
_texts = st.one_of(_words, st.text(min_size=1, max_size=20))
_users = st.from_regex(r"[0-9]{1,15}", fullmatch=True)
_jids = st.one_of(
    st.builds(Jid, _users, st.sampled_from([PN_SERVER, LID_SERVER]), st.integers(0, 255)),
    st.builds(Jid, _users, st.just(GROUP_SERVER)),
    st.just(Jid("", PN_SERVER)),
)
_attrs = st.dictionaries(_texts, st.one_of(_texts, _jids), max_size=4)
_leaves = st.builds(Node, _texts, _attrs, st.one_of(st.none(), st.binary(max_size=300)))
_nodes = st.recursive(_leaves, lambda inner: st.builds(Node, _texts, _attrs, st.lists(inner, min_size=1, max_size=3)))


@pytest.fixture(scope="module")
def shared_codec(tokens: Tokens) -> Codec:
    return Codec(tokens)


@given(node=_nodes)
def test_a_stanza_is_read_as_it_was_written(shared_codec: Codec, node: Node) -> None:
    assert shared_codec.decode(shared_codec.encode(node)) == node


@given(frame=st.binary(max_size=80))
def test_garbage_is_refused_and_never_breaks_the_reader(shared_codec: Codec, frame: bytes) -> None:
    try:
        shared_codec.decode(frame)
    except MalformedFrameError:
        return


@given(node=_nodes, cut=st.integers(1, 40))
def test_a_frame_that_is_cut_short_is_refused(shared_codec: Codec, node: Node, cut: int) -> None:
    frame = shared_codec.encode(node)

    with pytest.raises(MalformedFrameError):
        shared_codec.decode(frame[: max(0, len(frame) - cut)])


def test_a_compressed_frame_is_read(codec: Codec) -> None:
    node = Node("message", {"id": "A1"}, b"x" * 1000)
    frame = b"\x02" + zlib.compress(codec.encode(node)[1:])

    assert codec.decode(frame) == node


def test_bytes_after_the_stanza_are_refused(codec: Codec) -> None:
    with pytest.raises(MalformedFrameError, match="after the end"):
        codec.decode(codec.encode(Node("iq")) + b"\x01")


def test_attributes_without_a_value_do_not_travel(codec: Codec) -> None:
    assert codec.decode(codec.encode(Node("ack", {"id": "1", "error": None, "phash": ""}))) == Node("ack", {"id": "1"})


def test_a_word_of_the_dictionary_takes_one_or_two_bytes(codec: Codec, tokens: Tokens) -> None:
    plain = len(codec.encode(Node("iq")))

    assert len(codec.encode(Node(tokens.double[2][9]))) == plain + 1


def test_a_library_without_the_dictionary_is_refused() -> None:
    with pytest.raises(TokensNotFoundError):
        read_tokens(Path(__file__))


def test_a_missing_part_of_a_stanza_is_named_without_its_data() -> None:
    stanza = Node("iq", {"type": "set", "xmlns": "encrypt", "to": Jid("15550001")}, [Node("list")])

    with pytest.raises(MalformedStanzaError, match="<iq> lacks <skey>"):
        stanza.require("skey")
    assert stanza.outline() == "<iq type=set xmlns=encrypt>[list]"
