"""Takes a phone out of this gateway, and takes one in. Works beside a running gateway and without one.

The keys of a phone may be used in one place only. So whoever leaves is stopped first, and its folder is held so that no
worker can begin; when its archive is whole, the keys are put aside, and then the row says that the phone has left. A
crash in between leaves a session without keys, never two gateways with them.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from gateway import __version__
from gateway.archives.ownership import give_to_owner_of
from gateway.db.tx import Database, Tx
from gateway.fleet.errors import SessionNotPairedError
from gateway.fleet.models import Desired, Session
from gateway.fleet.moves import Moves
from gateway.fleet.render import SESSION_PREFIX
from gateway.fleet.service import Sessions
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator, render_id
from gateway.moving import ledger
from gateway.moving.errors import ArchiveOfOtherKindError, KeysMissingError, SessionInUseError
from gateway.moving.models import MoveKind, SessionMove
from gateway.moving.packed import PackedSession, copy_to_pack, pack, unpack
from gateway.principal import Principal
from sessions.keycopy import JOURNAL_NAME, fingerprint, kept_at_rest
from sessions.status import Reason

_LOOK_EVERY_SECONDS: Final = 0.1
#: What a phone takes along, besides its keys.
_FACTS: Final = (
    *("phone", "pn", "lid", "device", "push_name", "business_name", "platform"),
    *("expected_phone", "settings"),
)


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where keys lie: those in use, and those of phones that have left, which are kept for the time being."""

    sessions: Path
    moved: Path
    kind: Literal["production", "sandbox"]


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """A phone that is ready to leave. :meth:`pack` may be called more than once."""

    about: PackedSession
    folder: Path
    keys: Path

    def pack(self, target: BinaryIO, secret: bytes) -> None:
        """Write the archive."""
        pack(target, secret, about=self.about, keys=self.keys, journal=self.folder / JOURNAL_NAME)


class Mover:
    """Moves phones between gateways by way of archives."""

    def __init__(
        self,
        *,
        database: Database,
        sessions: Sessions,
        moves: Moves,
        clock: Clock,
        ids: IdGenerator,
        places: Places,
        patience_seconds: float = 60.0,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._moves = moves
        self._clock = clock
        self._ids = ids
        self._places = places
        self._patience_seconds = patience_seconds

    @asynccontextmanager
    async def leaving(self, principal: Principal, ref: str) -> AsyncIterator[Leaving]:
        """Stop the session for the length of the block; when it ends well, the phone has left.

        A phone that has left already may be packed again: nobody has used its keys since.
        """
        session = await self._database.read(lambda tx: self._sessions.get(tx, principal, ref))
        with tempfile.TemporaryDirectory(prefix=".moving-", dir=self._places.sessions.parent) as scratch:
            if session.is_paired:
                async with self._leaving_now(session, Path(scratch)) as leaving:
                    yield leaving
            else:
                departure = await self._database.read(lambda tx: ledger.departure_of(tx, session))
                if departure is None or session.reason != Reason.MOVED_AWAY:
                    raise SessionNotPairedError
                yield self._leaving(session, self._aside(session), Path(scratch), departure)

    async def take_in(
        self, principal: Principal, source: BinaryIO, secret: bytes, *, name: str | None = None, force: bool = False
    ) -> Session:
        """Make a linked session of an archive; raises what is wrong with it before anything is changed."""
        with tempfile.TemporaryDirectory(prefix=".moving-", dir=self._places.sessions.parent) as scratch:
            arrived = Path(scratch) / "arrived"
            arrived.mkdir(mode=0o700)
            about = await asyncio.to_thread(unpack, source, secret, into=arrived)
            if about.kind != self._places.kind:
                raise ArchiveOfOtherKindError
            session = await self._database.write(lambda tx: self._make_room(tx, principal, about, name, force=force))
            return await self._settle(session, about, arrived)

    @asynccontextmanager
    async def _leaving_now(self, session: Session, scratch: Path) -> AsyncIterator[Leaving]:
        wish = Desired(session.desired)
        await self._database.write(lambda tx: self._moves.want(tx, session.id, Desired.STOP))
        with ExitStack() as held:
            try:
                await self._take_hold(held, session)
                departure = await self._database.read(lambda tx: ledger.next_departure(tx, session))
                yield self._leaving(session, self._keys_of(session.id), scratch, departure)
            except BaseException:
                await self._database.write(lambda tx: self._moves.want(tx, session.id, wish))
                raise
            self._put_aside(session)
            await self._database.write(lambda tx: self._note_left(tx, session, departure))

    async def _take_hold(self, held: ExitStack, session: Session) -> None:
        """Wait until no worker has the folder, and keep it from others."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience_seconds
        while True:
            with ExitStack() as trying:
                if trying.enter_context(kept_at_rest(self._keys_of(session.id))):
                    held.push(trying.pop_all())
                    return
            if loop.time() > deadline:
                raise SessionInUseError
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    def _leaving(self, session: Session, folder: Path, scratch: Path, departure: ledger.Departure) -> Leaving:
        keys = copy_to_pack(folder, scratch)
        if keys is None:
            raise KeysMissingError
        about = PackedSession(
            archive_id=departure.archive_id,
            generation=departure.generation,
            made_at=self._clock.now(),
            version=__version__,
            kind=self._places.kind,
            name=session.name,
            account=ledger.account_of(session),
            fingerprint=fingerprint(keys),
            facts={name: getattr(session, name) for name in _FACTS},
        )
        return Leaving(about=about, folder=folder, keys=keys)

    def _put_aside(self, session: Session) -> None:
        aside = self._aside(session)
        self._places.moved.mkdir(mode=0o700, exist_ok=True)
        give_to_owner_of(self._places.sessions, self._places.moved)
        shutil.rmtree(aside, ignore_errors=True)  # of an earlier move; the keys moved on since
        self._keys_of(session.id).rename(aside)

    def _note_left(self, tx: Tx, session: Session, departure: ledger.Departure) -> None:
        self._moves.leave(tx, session.id)
        self._note(tx, session, MoveKind.OUT, departure)

    def _make_room(
        self, tx: Tx, principal: Principal, about: PackedSession, name: str | None, *, force: bool
    ) -> Session:
        self._moves.demand_free(tx, org_id=principal.org_id, account=about.account)
        ledger.demand_usable(tx, principal.org_id, about, force=force)
        return self._moves.make_room(tx, principal, account=about.account, name=name or about.name)

    async def _settle(self, session: Session, about: PackedSession, arrived: Path) -> Session:
        """Put the keys in their place, then say so: a linked session without keys would be logged out."""
        place = self._keys_of(session.id)
        await asyncio.to_thread(_replace, place, arrived)
        try:
            linked = await self._database.write(lambda tx: self._note_arrived(tx, session, about))
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            await self._database.write(lambda tx: self._moves.give_up(tx, session.id))
            raise
        shutil.rmtree(self._aside(session), ignore_errors=True)  # older than those that came back
        return linked

    def _note_arrived(self, tx: Tx, session: Session, about: PackedSession) -> Session:
        linked = self._moves.arrive(tx, session.id, about.facts)
        departure = ledger.Departure(archive_id=about.archive_id, generation=about.generation)
        self._note(tx, linked, MoveKind.IN, departure)
        return linked

    def _note(self, tx: Tx, session: Session, kind: MoveKind, departure: ledger.Departure) -> None:
        tx.add(
            SessionMove(
                id=self._ids.new(),
                org_id=session.org_id,
                session_id=session.id,
                kind=kind,
                archive_id=departure.archive_id,
                generation=departure.generation,
                account=ledger.account_of(session),
                at=self._clock.now(),
            )
        )

    def _keys_of(self, session_id: int) -> Path:
        return self._places.sessions / render_id(SESSION_PREFIX, session_id)

    def _aside(self, session: Session) -> Path:
        return self._places.moved / render_id(SESSION_PREFIX, session.id)


def _replace(place: Path, arrived: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)  # keys that nobody is linked with any more
    give_to_owner_of(place.parent, arrived)
    arrived.rename(place)
