"""What a reader of engine events must know about its session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sessions.address import Address, Jid


@dataclass
class Reading:
    """Who the session is; filled in by the events themselves as they are read in order."""

    me: Address = field(default_factory=Address)
    history: Literal["none", "recent", "full"] = "recent"  #: how much of the phone's past is wanted

    def is_me(self, jid: Jid | None) -> bool:
        """Whether an address is one of this account's own."""
        return jid is not None and jid.without_device in (self.me.pn, self.me.lid)
