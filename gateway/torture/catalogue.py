"""Every torture by its name, in the order in which they run."""

from __future__ import annotations

from gateway.torture import daemon_kills, inbound_kills, worker_kills
from gateway.torture.contract import Torture

TORTURES: dict[str, Torture] = {
    torture.name: torture for torture in (daemon_kills.TORTURE, worker_kills.TORTURE, inbound_kills.TORTURE)
}
