"""One device's Signal side: its keys and its sessions with other devices, encrypting and decrypting by address."""

from __future__ import annotations

import secrets
from typing import Protocol, TypeVar

import msgspec

from sessions.sandbox.crypto.keys import KEY_TYPE, KeyPair, PreKey, SignedPreKey
from sessions.sandbox.signal.errors import (
    BadMessageError,
    DuplicateMessageError,
    MalformedMessageError,
    NoSessionError,
    SignalError,
    UnknownKeyError,
)
from sessions.sandbox.signal.ratchet import RatchetState
from sessions.sandbox.signal.senderkey import OwnSenderKey, TheirSenderKey, key_id_of
from sessions.sandbox.signal.x3dh import Bundle, PreKeyMessage, accept_session, open_session

MOST_PREVIOUS_STATES = 40
MOST_SENDER_KEYS = 5
LARGEST_PADDING = 15
_LARGEST_REGISTRATION_ID = 0x3FFE

Kept = TypeVar("Kept")


class Session(msgspec.Struct):
    """All states of the session with one device: the current one first, then those it replaced.

    Two devices that write to each other at the same moment each open a session; both must stay readable.
    """

    states: list[RatchetState] = []

    def opened_by(self, base_key: bytes) -> RatchetState | None:
        """The state that this base key opened, if there is one."""
        return next((state for state in self.states if state.base_key == base_key), None)

    def put_first(self, state: RatchetState) -> None:
        """Make a state the one to send with."""
        others = [other for other in self.states if other is not state]
        self.states = [state, *others][:MOST_PREVIOUS_STATES]

    def decrypt(self, message: bytes) -> bytes:
        """Try every state; the one that fits becomes the current one."""
        problem: SignalError = NoSessionError("no session with that device")
        for state in self.states:
            try:
                plain = state.decrypt(message)
            except DuplicateMessageError:
                raise
            except SignalError as error:
                problem = error
                continue
            self.put_first(state)
            return plain
        raise problem


class Installation(msgspec.Struct, frozen=True):
    """What a device makes once, when WhatsApp is installed on it."""

    registration_id: int
    signed_prekey_id: int
    signed_prekey_private: bytes
    signed_prekey_signature: bytes


class Memory(Protocol):
    """Where a device keeps what it must know after a restart."""

    def put(self, key: str, body: bytes) -> None:
        """Keep a document, in place of the one under this key."""

    def get(self, key: str) -> bytes | None:
        """The document under this key."""

    def delete(self, key: str) -> None:
        """Forget the document under this key."""


class SignalDevice:
    """Encrypts to and decrypts from other devices, named by whatever text the caller uses for them.

    Every step of a session is in the memory before its message leaves, so that no key is ever used twice.
    """

    def __init__(self, *, identity: KeyPair, memory: Memory) -> None:
        self.identity = identity
        self._memory = memory
        self._sessions: dict[str, Session] = {}
        self._installation = self._recall("installation", Installation) or self._install()
        self._signed_pair = KeyPair(self._installation.signed_prekey_private)

    @property
    def registration_id(self) -> int:
        """The number that tells this installation from an earlier one with the same keys."""
        return self._installation.registration_id

    @property
    def signed_prekey(self) -> SignedPreKey:
        """What to publish as this device's signed prekey."""
        made = self._installation
        return SignedPreKey(made.signed_prekey_id, self._signed_pair.public, made.signed_prekey_signature)

    def make_prekeys(self, count: int) -> list[PreKey]:
        """Fresh one-time keys to publish."""
        first = self._recall("next prekey", int) or 1
        made = []
        for key_id in range(first, first + count):
            pair = KeyPair()
            self._memory.put(f"prekey {key_id}", pair.private)
            made.append(PreKey(key_id, pair.public))
        self._keep("next prekey", first + count)
        return made

    def own_bundle(self) -> Bundle:
        """Keys for one device that could not read us and shall open a session anew."""
        prekey = self.make_prekeys(1)[0]
        return Bundle(self.registration_id, self.identity.public, self.signed_prekey, prekey)

    def can_send_to(self, address: str) -> bool:
        """Whether a session is there; otherwise :meth:`open` comes first."""
        return bool(self._session(address).states)

    def open(self, address: str, bundle: Bundle) -> None:
        """Start a new session from a device's published keys; what was there stays readable."""
        state = open_session(self.identity, self.registration_id, bundle)
        session = self._session(address)
        session.put_first(state)
        self._keep_session(address, session)

    def forget(self, address: str) -> None:
        """Drop every key of a device that is gone."""
        self._sessions.pop(address, None)
        self._memory.delete(f"session {address}")

    def encrypt(self, address: str, plain: bytes) -> tuple[str, bytes]:
        """A message for one device, and its kind: `pkmsg` or `msg`."""
        session = self._session(address)
        if not session.states:
            raise NoSessionError("no session with that device")
        message = session.states[0].encrypt(pad(plain))
        self._keep_session(address, session)
        return message

    def decrypt(self, address: str, kind: str, message: bytes) -> bytes:
        """The plain text of a `pkmsg` or `msg` from one device."""
        session = self._session(address)
        try:
            padded = self._decrypt_opening(session, message) if kind == "pkmsg" else session.decrypt(message)
        except ValueError as error:
            raise MalformedMessageError("an unusable key") from error
        self._keep_session(address, session)
        return unpad(padded)

    def _decrypt_opening(self, session: Session, data: bytes) -> bytes:
        opening = PreKeyMessage.parse(data)
        state = session.opened_by(opening.base_key) or self._accept(opening)
        padded = state.decrypt(opening.message)
        session.put_first(state)
        if opening.prekey_id is not None:
            self._memory.delete(f"prekey {opening.prekey_id}")
        return padded

    def _accept(self, opening: PreKeyMessage) -> RatchetState:
        if opening.signed_prekey_id != self._installation.signed_prekey_id:
            raise UnknownKeyError("opened with a signed prekey that is not held")
        prekey = None
        if opening.prekey_id is not None:
            private = self._memory.get(f"prekey {opening.prekey_id}")
            if private is None:
                raise UnknownKeyError("opened with a prekey that is not held")
            prekey = KeyPair(private)
        return accept_session(self.identity, signed_prekey=self._signed_pair, prekey=prekey, opening=opening)

    # Groups: each member tells the others its sender key pairwise, then encrypts once for all.

    def sender_key_for(self, group: str) -> bytes:
        """What to tell a member so that it can read this device's messages in the group."""
        return self._own_sender_key(group).distribution()

    def encrypt_to_group(self, group: str, plain: bytes) -> bytes:
        """One message for every member who was told the sender key."""
        key = self._own_sender_key(group)
        message = key.encrypt(pad(plain))
        self._keep(f"own sender key {group}", key)
        return message

    def learn_sender_key(self, group: str, address: str, distribution: bytes) -> None:
        """Keep the sender key that a member told."""
        told = TheirSenderKey.parse(distribution)
        others = [key for key in self._their_sender_keys(group, address) if key.key_id != told.key_id]
        self._keep(f"sender keys {group} {address}", [told, *others][:MOST_SENDER_KEYS])

    def decrypt_from_group(self, group: str, address: str, message: bytes) -> bytes:
        """The plain text of a group message (`skmsg`)."""
        key_id = key_id_of(message)
        keys = self._their_sender_keys(group, address)
        for key in keys:
            if key.key_id == key_id:
                padded = key.decrypt(message)
                self._keep(f"sender keys {group} {address}", keys)
                return unpad(padded)
        raise UnknownKeyError("encrypted with a sender key that was not told")

    def _own_sender_key(self, group: str) -> OwnSenderKey:
        key = self._recall(f"own sender key {group}", OwnSenderKey)
        if key is None:
            key = OwnSenderKey.create()
            self._keep(f"own sender key {group}", key)
        return key

    def _their_sender_keys(self, group: str, address: str) -> list[TheirSenderKey]:
        return self._recall(f"sender keys {group} {address}", list[TheirSenderKey]) or []

    def _session(self, address: str) -> Session:
        if address not in self._sessions:
            self._sessions[address] = self._recall(f"session {address}", Session) or Session()
        return self._sessions[address]

    def _keep_session(self, address: str, session: Session) -> None:
        self._keep(f"session {address}", session)

    def _install(self) -> Installation:
        signed = KeyPair()
        made = Installation(
            registration_id=secrets.randbelow(_LARGEST_REGISTRATION_ID) + 1,
            signed_prekey_id=1,
            signed_prekey_private=signed.private,
            signed_prekey_signature=self.identity.sign(KEY_TYPE + signed.public),
        )
        self._keep("installation", made)
        return made

    def _recall(self, key: str, kind: type[Kept]) -> Kept | None:
        body = self._memory.get(key)
        return None if body is None else msgspec.msgpack.decode(body, type=kind)

    def _keep(self, key: str, value: object) -> None:
        self._memory.put(key, msgspec.msgpack.encode(value))


def pad(plain: bytes) -> bytes:
    """Hide the exact length, as WhatsApp does: n bytes of value n."""
    count = secrets.randbelow(LARGEST_PADDING) + 1
    return plain + bytes([count]) * count


def unpad(padded: bytes) -> bytes:
    """Undo :func:`pad`."""
    count = padded[-1] if padded else 0
    if not 0 < count <= len(padded) or padded[-count:] != bytes([count]) * count:
        raise BadMessageError("wrong padding")
    return padded[:-count]
