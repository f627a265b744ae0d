"""What every part stands on: settings, folder, store, clock, chance, ids, metrics, the vault and the way out."""

from __future__ import annotations

import random
from dataclasses import dataclass

from gateway import __version__
from gateway.config.settings import Config
from gateway.datafolder import DataFolder
from gateway.db.database import AnyDatabase
from gateway.db.tx import Database
from gateway.kit.clock import Clock, SystemClock
from gateway.kit.guard import AddressGuard
from gateway.kit.guarded_http import GuardedHttp
from gateway.kit.ids import IdGenerator
from gateway.kit.metrics import Metrics
from gateway.kit.vault import Vault
from sessions.protocol import Loopback

#: What a gateway joined to a loopback WhatsApp may call besides what the operator allows.
LOOPBACK_NETWORKS = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The bottom layer of one running gateway."""

    config: Config
    loopback: Loopback | None
    folder: DataFolder
    database: AnyDatabase
    front: Database  #: the same store, for what callers ask for
    clock: Clock
    chance: random.Random
    ids: IdGenerator
    metrics: Metrics
    vault: Vault
    guard: AddressGuard
    proxy_guard: AddressGuard
    http: GuardedHttp


def build_ground(*, config: Config, loopback: Loopback | None, folder: DataFolder, database: AnyDatabase) -> Ground:
    """Lay it."""
    clock = SystemClock()
    chance = random.SystemRandom()
    metrics = Metrics(version=__version__)
    metrics.watch("wagate_store_waiting", "Changes that wait for the store's writer.", lambda: database.waiting)
    allowed = [*map(str, config.guard.allow_networks), *(LOOPBACK_NETWORKS if loopback else ())]
    guard = AddressGuard(allow_networks=allowed, ports=config.guard.ports)
    return Ground(
        config=config,
        loopback=loopback,
        folder=folder,
        database=database,
        front=database.front(),
        clock=clock,
        chance=chance,
        ids=IdGenerator(clock=clock, chance=chance),
        metrics=metrics,
        vault=Vault.at(folder.vault_key),
        guard=guard,
        # Proxies listen anywhere; what is judged is the address.
        proxy_guard=AddressGuard(allow_networks=allowed, ports=range(1, 65_536)),
        http=GuardedHttp(guard=guard, user_agent=f"wagate/{__version__}"),
    )
