"""The folder of one loopback WhatsApp: its store, its certificate authority and its noise keys."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sessions.sandbox.state.store import Store
from sessions.sandbox.wire.noise import NoiseIdentity
from sessions.sandbox.wire.tls import Authority

_NOISE = "noise"


class Folder:
    """Everything by which clients know this WhatsApp again after a restart."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self.authority = Authority(path)
        self.store = Store(path / "whatsapp.db")
        self.noise = self._noise_identity()

    def _noise_identity(self) -> NoiseIdentity:
        space = self.store.space("identity")
        kept = space.get(_NOISE)
        if kept is not None:
            return msgspec.msgpack.decode(kept, type=NoiseIdentity)
        identity = NoiseIdentity.generate()
        space.put(_NOISE, msgspec.msgpack.encode(identity))
        self.store.commit()
        return identity
