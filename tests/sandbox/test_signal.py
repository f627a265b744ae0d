"""The Signal layer against itself: order, loss, repetition, crossing openings and restarts."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.sandbox.crypto.keys import KeyPair, SignedPreKey
from sessions.sandbox.signal.device import SignalDevice, pad, unpad
from sessions.sandbox.signal.errors import (
    BadBundleError,
    BadMessageError,
    DuplicateMessageError,
    MalformedMessageError,
    NoSessionError,
    SignalError,
    UnknownKeyError,
)


class Drawer:
    """A device's memory that a later device can be given."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}

    def put(self, key: str, body: bytes) -> None:
        self.documents[key] = body

    def get(self, key: str) -> bytes | None:
        return self.documents.get(key)

    def delete(self, key: str) -> None:
        self.documents.pop(key, None)


def device() -> SignalDevice:
    return SignalDevice(identity=KeyPair(), memory=Drawer())


def restarted(one: SignalDevice) -> SignalDevice:
    return SignalDevice(identity=one.identity, memory=one._memory)


@pytest.fixture
def pair() -> tuple[SignalDevice, SignalDevice]:
    alice, bob = device(), device()
    alice.open("bob", bob.own_bundle())
    return alice, bob


def test_the_first_messages_open_the_session_until_the_other_side_answers(pair):
    alice, bob = pair

    first, second = alice.encrypt("bob", b"one"), alice.encrypt("bob", b"two")
    assert [first[0], second[0]] == ["pkmsg", "pkmsg"]
    assert bob.decrypt("alice", *first) == b"one"
    assert bob.decrypt("alice", *second) == b"two"

    answer = bob.encrypt("alice", b"three")
    assert answer[0] == "msg"
    assert alice.decrypt("bob", *answer) == b"three"
    assert alice.encrypt("bob", b"four")[0] == "msg"


def test_a_session_opens_without_a_one_time_key(pair):
    alice, bob = device(), device()
    alice.open("bob", bob.own_bundle()._replace(prekey=None))

    assert bob.decrypt("alice", *alice.encrypt("bob", b"hello")) == b"hello"


@settings(max_examples=40, deadline=None)
@given(script=st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=1, max_size=40), seed=st.integers())
def test_messages_are_readable_in_any_order_with_losses_and_restarts(script, seed):
    chance = random.Random(seed)
    devices = {True: device(), False: device()}
    devices[True].open("other", devices[False].own_bundle())
    devices[False].decrypt("other", *devices[True].encrypt("other", b"hello"))
    on_the_way: dict[bool, list[tuple[bytes, tuple[str, bytes]]]] = {True: [], False: []}

    for number, (sender, action) in enumerate(script):
        text = f"message {number}".encode()
        on_the_way[not sender].append((text, devices[sender].encrypt("other", text)))
        if action < 4:
            inbox = on_the_way[sender]
            chance.shuffle(inbox)
            for expected, message in inbox[: len(inbox) // 2 + 1]:
                assert devices[sender].decrypt("other", *message) == expected
            del inbox[: len(inbox) // 2 + 1]
        elif action == 4 and on_the_way[sender]:
            on_the_way[sender].pop()
        elif action == 5:
            devices[sender] = restarted(devices[sender])

    for receiver, inbox in on_the_way.items():
        for expected, message in inbox:
            assert devices[receiver].decrypt("other", *message) == expected


def test_a_message_is_read_once_only(pair):
    alice, bob = pair
    message = alice.encrypt("bob", b"once")
    bob.decrypt("alice", *message)

    with pytest.raises(DuplicateMessageError):
        bob.decrypt("alice", *message)


@given(position=st.integers(0, 200), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_a_damaged_message_is_refused_and_does_not_harm_the_session(position, bit):
    alice, bob = device(), device()
    alice.open("bob", bob.own_bundle())
    bob.decrypt("alice", *alice.encrypt("bob", b"hello"))
    alice.decrypt("bob", *bob.encrypt("alice", b"hello"))
    kind, message = alice.encrypt("bob", b"a text that is long enough to be damaged somewhere in the middle")
    damaged = bytearray(message)
    damaged[position % len(damaged)] ^= 1 << bit

    with pytest.raises(SignalError):
        bob.decrypt("alice", kind, bytes(damaged))

    assert bob.decrypt("alice", kind, message).startswith(b"a text")


def test_two_devices_that_write_first_at_the_same_time_understand_each_other():
    alice, bob = device(), device()
    alice.open("bob", bob.own_bundle())
    bob.open("alice", alice.own_bundle())
    to_bob, to_alice = alice.encrypt("bob", b"a1"), bob.encrypt("alice", b"b1")

    assert bob.decrypt("alice", *to_bob) == b"a1"
    assert alice.decrypt("bob", *to_alice) == b"b1"
    for round_number in range(5):
        text = b"%d" % round_number
        assert bob.decrypt("alice", *alice.encrypt("bob", text)) == text
        assert alice.decrypt("bob", *bob.encrypt("alice", text)) == text


def test_a_device_that_lost_its_sessions_says_so_and_a_new_opening_heals_it(pair):
    alice, bob = pair
    bob.decrypt("alice", *alice.encrypt("bob", b"hello"))
    alice.decrypt("bob", *bob.encrypt("alice", b"hello"))
    bob.forget("alice")

    with pytest.raises(NoSessionError):
        bob.decrypt("alice", *alice.encrypt("bob", b"lost"))
    alice.open("bob", bob.own_bundle())

    assert bob.decrypt("alice", *alice.encrypt("bob", b"again")) == b"again"


def test_what_is_sent_after_a_restart_uses_no_key_twice(pair):
    alice, bob = pair
    for number in range(3):
        text = b"%d" % number
        assert bob.decrypt("alice", *alice.encrypt("bob", text)) == text
        alice, bob = restarted(alice), restarted(bob)

    assert alice.registration_id == restarted(alice).registration_id
    assert alice.make_prekeys(1)[0].id != restarted(alice).make_prekeys(1)[0].id


def test_an_unknown_prekey_is_told_apart(pair):
    alice, bob = pair
    message = alice.encrypt("bob", b"hello")
    bob.decrypt("alice", *message)
    bob.forget("alice")

    with pytest.raises(UnknownKeyError):
        bob.decrypt("alice", *message)


def test_keys_that_their_owner_did_not_sign_open_nothing():
    alice, bob = device(), device()
    bundle = bob.own_bundle()
    forged = SignedPreKey(bundle.signed_prekey.id, KeyPair().public, bundle.signed_prekey.signature)

    with pytest.raises(BadBundleError):
        alice.open("bob", bundle._replace(signed_prekey=forged))


@given(st.binary(max_size=200), st.sampled_from(["msg", "pkmsg"]))
@settings(deadline=None)
def test_noise_is_refused_with_a_typed_error(data, kind):
    bob = device()
    bob.open("alice", device().own_bundle())

    with pytest.raises(SignalError):
        bob.decrypt("alice", kind, data)


def test_group_messages_are_read_by_everyone_who_was_told_the_key_late_ones_too():
    alice, bob, carol = device(), device(), device()
    distribution = alice.sender_key_for("group")
    for member in (bob, carol):
        member.learn_sender_key("group", "alice", distribution)
    messages = [alice.encrypt_to_group("group", b"%d" % number) for number in range(4)]

    assert [bob.decrypt_from_group("group", "alice", message) for message in messages] == [b"0", b"1", b"2", b"3"]
    carol = restarted(carol)
    assert carol.decrypt_from_group("group", "alice", messages[3]) == b"3"
    carol = restarted(carol)
    assert carol.decrypt_from_group("group", "alice", messages[1]) == b"1"
    with pytest.raises(DuplicateMessageError):
        carol.decrypt_from_group("group", "alice", messages[1])


def test_group_messages_of_others_or_damaged_ones_are_refused():
    alice, bob = device(), device()
    message = alice.encrypt_to_group("group", b"hello")
    with pytest.raises(UnknownKeyError):
        bob.decrypt_from_group("group", "alice", message)
    bob.learn_sender_key("group", "alice", alice.sender_key_for("group"))

    with pytest.raises(BadMessageError):
        bob.decrypt_from_group("group", "alice", message[:-1] + bytes([message[-1] ^ 1]))
    with pytest.raises(MalformedMessageError):
        bob.decrypt_from_group("group", "alice", b"short")


@given(st.binary(max_size=64))
def test_padding_comes_off_again(plain):
    assert unpad(pad(plain)) == plain
    assert 1 <= len(pad(plain)) - len(plain) <= 15
