"""Every torture by its name, in the order in which they run."""

from __future__ import annotations

from gateway.torture import (
    backup_loops,
    clean_restarts,
    crash_points,
    daemon_kills,
    inbound_kills,
    neighbours,
    order,
    outage,
    sse_crowd,
    sse_cuts,
    stop,
    webhook_hang,
    webhook_kills,
    webhook_speed,
    worker_kills,
)
from gateway.torture.contract import Torture

TORTURES: dict[str, Torture] = {
    torture.name: torture
    for torture in (
        daemon_kills.TORTURE,
        worker_kills.TORTURE,
        crash_points.TORTURE,
        inbound_kills.TORTURE,
        clean_restarts.TORTURE,
        order.TORTURE,
        neighbours.TORTURE,
        outage.TORTURE,
        stop.TORTURE,
        sse_cuts.TORTURE,
        sse_crowd.TORTURE,
        webhook_speed.TORTURE,
        webhook_hang.TORTURE,
        webhook_kills.TORTURE,
        backup_loops.TORTURE,
    )
}
