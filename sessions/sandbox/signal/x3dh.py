"""How two devices agree on a session from published keys alone (X3DH), as the Signal protocol version 3 does it."""

from __future__ import annotations

from typing import NamedTuple

from sessions.sandbox.crypto.keys import KeyPair, PreKey, SignedPreKey, derive
from sessions.sandbox.signal.errors import BadBundleError, MalformedMessageError
from sessions.sandbox.signal.ratchet import VERSION, Chain, Opening, RatchetState, ReceivingChain, plain_key
from sessions.sandbox.signal.wirefields import MalformedFieldsError, bytes_field, decode_fields, number_field

_DISCONTINUITY = b"\xff" * 32


class Bundle(NamedTuple):
    """What a device publishes so that others can open a session with it while it is away."""

    registration_id: int
    identity: bytes
    signed_prekey: SignedPreKey
    prekey: PreKey | None = None


class PreKeyMessage(NamedTuple):
    """A message that opens a session: the sender's keys in front of an ordinary message."""

    identity: bytes
    base_key: bytes
    signed_prekey_id: int
    prekey_id: int | None
    registration_id: int
    message: bytes

    @classmethod
    def parse(cls, data: bytes) -> PreKeyMessage:
        """Read a `pkmsg`."""
        if data[:1] != VERSION:
            raise MalformedMessageError("not a message of version 3")
        try:
            fields = decode_fields(data[1:])
            return cls(
                identity=plain_key(bytes_field(fields, 3)),
                base_key=plain_key(bytes_field(fields, 2)),
                signed_prekey_id=number_field(fields, 6),
                prekey_id=number_field(fields, 1) if 1 in fields else None,
                registration_id=number_field(fields, 5, 0),
                message=bytes_field(fields, 4),
            )
        except MalformedFieldsError as error:
            raise MalformedMessageError("not an opening message") from error


def open_session(identity: KeyPair, registration_id: int, bundle: Bundle) -> RatchetState:
    """The sender's side of a new session; its first messages carry what the receiver needs to follow."""
    signed = bundle.signed_prekey
    if not signed.is_signed_by(bundle.identity):
        raise BadBundleError("the signed prekey is not signed by the identity")
    base = KeyPair()
    secret = identity.agree(signed.public) + base.agree(bundle.identity) + base.agree(signed.public)
    if bundle.prekey:
        secret += base.agree(bundle.prekey.public)
    root_key, first_chain = _root_and_chain(secret)
    ratchet = KeyPair()
    material = derive(ratchet.agree(signed.public), salt=root_key, info=b"WhisperRatchet", size=64)
    return RatchetState(
        own_identity=identity.public,
        their_identity=bundle.identity,
        root_key=material[:32],
        ratchet_private=ratchet.private,
        sending=Chain(material[32:]),
        receiving=[ReceivingChain(signed.public, Chain(first_chain))],
        base_key=base.public,
        opening=Opening(
            registration_id=registration_id,
            signed_prekey_id=signed.id,
            base_key=base.public,
            prekey_id=bundle.prekey.id if bundle.prekey else None,
        ),
    )


def accept_session(
    identity: KeyPair, *, signed_prekey: KeyPair, prekey: KeyPair | None, opening: PreKeyMessage
) -> RatchetState:
    """The receiver's side of the session that the opening message starts."""
    base = opening.base_key
    secret = signed_prekey.agree(opening.identity) + identity.agree(base) + signed_prekey.agree(base)
    if prekey:
        secret += prekey.agree(base)
    root_key, first_chain = _root_and_chain(secret)
    return RatchetState(
        own_identity=identity.public,
        their_identity=opening.identity,
        root_key=root_key,
        ratchet_private=signed_prekey.private,
        sending=Chain(first_chain),
        base_key=base,
    )


def _root_and_chain(secret: bytes) -> tuple[bytes, bytes]:
    material = derive(_DISCONTINUITY + secret, info=b"WhisperText", size=64)
    return material[:32], material[32:]
