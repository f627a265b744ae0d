"""What the engine can be told at start: one frozen value, times in seconds."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from sessions.protocol import Loopback, Probing
from sessions.proxies import AsGiven, Proxies


@dataclass(frozen=True)
class EngineSettings:
    """How sessions are run. The defaults are what a production host wants."""

    sessions_per_worker: int = 1
    loopback: Loopback | None = None
    #: Says which of the sessions' own proxies may be dialled.
    proxies: Proxies = field(default_factory=AsGiven)

    #: Sessions wanted within this time are put into workers together.
    packing_seconds: float = 0.05
    #: Processes that start at the same time.
    starts_at_once: int = max(4, 2 * (os.cpu_count() or 1))
    #: Over how long those are spread who hear that an outage is over.
    return_spread_seconds: float = 5.0
    #: While WhatsApp cannot be reached: time between the tries of all sessions together.
    between_tries_seconds: float = 2.0
    stop_grace_seconds: float = 5.0
    kill_after_seconds: float = 9.0

    #: Waits between attempts to reach WhatsApp, drawn from zero up to a limit that doubles each time.
    backoff_first_seconds: float = 1.0
    backoff_limit_seconds: float = 60.0

    #: This many unexpected ends within this time, and the session is given up until a person looks.
    crash_limit: int = 5
    crash_window_seconds: float = 600.0

    #: A session without connection for so long gets a new worker, since the library waits ever longer by itself.
    recycle_after_seconds: float = 60.0
    #: How workers find out whether frames flow.
    probing: Probing = field(default_factory=Probing)
    #: Pulses of a worker that may be missing in a row before it is taken for hung.
    missing_pulses: int = 3
    #: Another daemon may still be on its way out when this one starts.
    store_in_use_patience_seconds: float = 15.0
    pairing_limit_seconds: float = 200.0
