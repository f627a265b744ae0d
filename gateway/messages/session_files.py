"""The files of a session's messages: how long they are kept, how much room they may take, and having them fetched."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

import msgspec

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.clock import Clock
from gateway.kit.errors import ConflictError
from gateway.media.errors import MediaQuotaExceededError
from gateway.messages import file_store
from gateway.messages.codec import MEDIA_TYPES, decode_content
from gateway.messages.models import MediaState
from gateway.messages.store import Entry
from sessions.content import RemoteFile


class FileDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """What applies to a session whose own settings say nothing else."""

    media_days: int = 0  #: how long the files of messages are kept; 0: for ever
    media_quota_bytes: int = 0  #: for all files of a session; 0: no limit


class SessionFiles:
    """Holds files for the messages that have them, see :class:`gateway.media.keeper.Holder`."""

    def __init__(self, *, clock: Clock, defaults: FileDefaults) -> None:
        self._clock = clock
        self._defaults = defaults
        self._wakers: list[Callable[[], None]] = []

    def when_wanted(self, wake: Callable[[], None]) -> None:
        """Tell whoever fetches files that one is wanted."""
        self._wakers.append(wake)

    def holds(self, tx: Tx, *, media_ids: Collection[int], at: datetime) -> Mapping[int, bool]:
        """A file stays while it is to be sent, and as long as any session that has it keeps its files."""
        references = file_store.references(tx, media_ids=media_ids)
        settings = file_store.settings_of(tx, session_ids={one.session_id for one in references})
        verdicts: dict[int, bool] = {}
        for one in references:
            days = self.keep_days(settings.get(one.session_id, {}))
            stays = one.is_waiting or not days or one.newest_at > at - timedelta(days=days)
            verdicts[one.media_id] = stays or verdicts.get(one.media_id, False)
        return verdicts

    def is_waiting(self, tx: Tx, *, media_id: int) -> bool:
        return any(one.is_waiting for one in file_store.references(tx, media_ids=[media_id]))

    def let_go(self, tx: Tx, *, org_id: int, media_id: int, at: datetime) -> None:
        file_store.let_go(tx, org_id=org_id, media_id=media_id, at=at)

    def keep_days(self, settings: Mapping[str, object]) -> int:
        """For how many days a session with these settings keeps its files; 0: for ever."""
        return _chosen(settings, "media_days", self._defaults.media_days)

    def quota_bytes(self, settings: Mapping[str, object]) -> int:
        """How much room its files may take; 0: as much as there is."""
        return _chosen(settings, "media_quota_bytes", self._defaults.media_quota_bytes)

    def demand_room(self, tx: Tx, *, org_id: int, session_id: int, size: int) -> None:
        """Raise MediaQuotaExceededError where a file that has arrived would be too much for its session."""
        session = tx.session.get(Session, session_id)
        quota = self.quota_bytes(session.settings) if session is not None else 0
        if not quota:
            return
        used = sum(one.bytes for one in file_store.usage_by_session(tx, org_id=org_id, session_ids=[session_id]))
        if used + size > quota:
            raise MediaQuotaExceededError(f"The files of this session may have {quota} bytes together.")

    def fetch(self, tx: Tx, entry: Entry) -> None:
        """Have the file of a message fetched from WhatsApp, again or for the first time; raises ConflictError."""
        message = entry.message
        content = decode_content(message.content)
        if not isinstance(content, MEDIA_TYPES) or not isinstance(content.file, RemoteFile):
            raise ConflictError("WhatsApp keeps no file of this message.", code="message_without_file")
        if message.media_state in (MediaState.AVAILABLE, MediaState.PENDING):
            return
        now = self._clock.now()
        message.media_state, message.media_error = MediaState.PENDING, None
        message.media_attempts, message.media_next_at, message.updated_at = 0, now, now
        tx.session.flush()
        for wake in self._wakers:
            tx.after_commit(wake)


def _chosen(settings: Mapping[str, object], name: str, default: int) -> int:
    own = settings.get(name)
    return own if isinstance(own, int) else default
