"""Deletes pairing links that expired long ago, and sign-ins that have ended."""

from __future__ import annotations

from gateway.access.accounts import Accounts
from gateway.db.tx import Database, Tx
from gateway.fleet.links import PairingLinks


class OldLinks:
    """They are few: one transaction does."""

    name = "links"

    def __init__(self, *, database: Database, links: PairingLinks, accounts: Accounts) -> None:
        self._database = database
        self._links = links
        self._accounts = accounts

    async def run_once(self) -> int:
        return await self._database.write(self._forget)

    def _forget(self, tx: Tx) -> int:
        return self._links.forget_old(tx) + self._accounts.forget_expired_sign_ins(tx)
