"""Organizations. There is one for now: number 1, the installation itself."""

from __future__ import annotations

from typing import Final

from gateway.db.tx import Tx
from gateway.kit.clock import Clock
from gateway.orgs import store
from gateway.orgs.models import Org

DEFAULT_ORG_ID: Final = 1
_DEFAULT_NAME: Final = "My organization"


class Orgs:
    """Knows the organizations."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock

    def ensure_default(self, tx: Tx) -> Org:
        """The installation's own organization, made at the first start."""
        found = store.find(tx, DEFAULT_ORG_ID)
        if found is not None:
            return found
        return store.add(tx, org_id=DEFAULT_ORG_ID, name=_DEFAULT_NAME, now=self._clock.now())
