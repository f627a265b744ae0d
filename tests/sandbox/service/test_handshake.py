"""The handshake and its signatures, against a client's side written from the description of Noise_XX."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from sessions.protobuf import load
from sessions.sandbox.crypto import xeddsa
from sessions.sandbox.crypto.keys import KeyPair
from sessions.sandbox.wire.frames import FrameReader, frame
from sessions.sandbox.wire.noise import HEADER, Handshake, HandshakeError, NoiseIdentity, NoiseServer
from tests.sandbox.service.initiator import Initiator

proto = load("waWa6.WAWebProtobufsWa6_pb2")


@pytest.fixture(scope="module")
def identity() -> NoiseIdentity:
    return NoiseIdentity.generate()


@pytest.fixture
def handshake(identity: NoiseIdentity) -> Handshake:
    return NoiseServer(identity).handshake()


def test_both_sides_agree_on_keys_and_the_service_learns_who_calls(handshake: Handshake) -> None:
    client = Initiator()

    finish = client.finish(handshake.hello(client.hello()), proto.ClientPayload(username=15550001).SerializeToString())

    assert handshake.finish(finish).username == 15550001
    assert handshake.client_static == client.static.public
    opener, sealer = handshake.ciphers()
    to_server, to_client = client.keys()
    nonce = bytes(12)
    assert opener.open(AESGCM(to_server).encrypt(nonce, b"up", None)) == b"up"
    assert AESGCM(to_client).decrypt(nonce, sealer.seal(b"down"), None) == b"down"


def test_the_certificates_lead_from_the_root_to_the_static_key(identity: NoiseIdentity) -> None:
    chain = load("waCert.WACert_pb2").CertChain.FromString(identity.certificates())
    details = load("waCert.WACert_pb2").CertChain.NoiseCertificate.Details
    intermediate = details.FromString(chain.intermediate.details)
    leaf = details.FromString(chain.leaf.details)

    assert xeddsa.verify(identity.root_key, chain.intermediate.details, chain.intermediate.signature)
    assert xeddsa.verify(intermediate.key, chain.leaf.details, chain.leaf.signature)
    assert leaf.key == KeyPair(identity.static).public
    assert (intermediate.issuerSerial, leaf.issuerSerial) == (0, intermediate.serial)
    assert leaf.notBefore < leaf.notAfter


def test_a_tampered_finish_is_refused(handshake: Handshake) -> None:
    client = Initiator()
    finish = bytearray(client.finish(handshake.hello(client.hello()), b""))
    finish[-1] ^= 1

    with pytest.raises(HandshakeError):
        handshake.finish(bytes(finish))


@pytest.mark.parametrize("hello", [b"", b"\xff\xff\xff", b"\x12\x05\x0a\x03abc"])
def test_a_hello_without_a_key_is_refused(handshake: Handshake, hello: bytes) -> None:
    with pytest.raises(HandshakeError):
        handshake.hello(hello)


@given(st.binary(max_size=200))
def test_a_signature_verifies_for_its_key_and_message_only(message: bytes) -> None:
    pair, other = KeyPair(), KeyPair()
    signature = pair.sign(message)

    assert xeddsa.verify(pair.public, message, signature)
    assert not xeddsa.verify(pair.public, message + b"!", signature)
    assert not xeddsa.verify(other.public, message, signature)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5), st.integers(1, 9), st.booleans())
def test_frames_are_cut_right_however_they_arrive(contents: list[bytes], step: int, routed: bool) -> None:
    routing = b"ED\x00\x01\x00\x00\x03abc" if routed else b""
    stream = routing + HEADER + b"".join(frame(content) for content in contents)
    reader = FrameReader()

    pieces = [stream[at : at + step] for at in range(0, len(stream), step)]

    assert [content for piece in pieces for content in reader.feed(piece)] == contents


def test_another_protocol_is_refused() -> None:
    with pytest.raises(HandshakeError):
        list(FrameReader().feed(b"GET / HTTP/1.1\r\n"))
