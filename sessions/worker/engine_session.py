"""One session inside the library: the thread that runs it and the callbacks it makes."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sessions.protobuf import load
from sessions.protocol import SessionSpec
from sessions.worker import jids
from sessions.worker.ffi.library import Library, ProxySettings
from sessions.worker.guard.handle import Gate
from sessions.worker.inbound import codes
from sessions.worker.pulse import Vitals
from sessions.worker.refusals import redact

KEY_STORE_NAME = "keys.db"
_STORE_HEADER = b"SQLite format 3\0"
#: The library puts `file:` before the name and its own parameters after it. A lost commit would rewind the Signal
#: ratchets, hence FULL.
_STORE_OPTIONS = "?_foreign_keys=on&_journal_mode=WAL&_synchronous=FULL&_busy_timeout=15000&_x="
_HISTORY_DAYS = {"none": 1, "recent": 30, "full": 365}
#: What a phone shares at once; more takes it a full synchronisation.
_RECENT_DAYS = 30
_RETRY_SECONDS = 1.0

_registration: Any = load("waCompanionReg.WAWebProtobufsCompanionReg_pb2")
_neonize: Any = load("Neonize_pb2")

Keep = Callable[[int, bytes], None]


class EngineSession:
    """Runs one session in the library for the life of the process."""

    def __init__(
        self,
        *,
        spec: SessionSpec,
        library: Library,
        gate: Gate,
        proxy_url: str | None,
        log_level: bytes,
        keep: Keep,
        vitals: Vitals,
        on_qr: Callable[[str], None],
        on_login_status: Callable[[str], None],
        on_log: Callable[[str], None],
        on_return: Callable[[str], None],
    ) -> None:
        self.spec = spec
        self._library = library
        self._gate = gate
        self._proxy_url = proxy_url
        self._log_level = log_level
        self._keep = keep
        self._vitals = vitals
        self._on_qr = on_qr
        self._on_login_status = on_login_status
        self._on_log = on_log
        self._on_return = on_return
        self._settled = threading.Event()
        self._last_event_at = time.monotonic()
        self._is_keeping = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="engine", daemon=True).start()

    def wait_until_settled(self, timeout_seconds: float) -> bool:
        """Wait for the first sign of life: from then on the library no longer touches its tables for this session."""
        return self._settled.wait(timeout_seconds)

    def wait_until_quiet(self, quiet_seconds: float, timeout_seconds: float) -> bool:
        """Wait until no event has come for a while; gives whether it became quiet in time."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            left = self._last_event_at + quiet_seconds - time.monotonic()
            if left <= 0 and not self._is_keeping:
                return True
            time.sleep(min(max(left, 0.01), 0.05))
        return False

    def _run(self) -> None:
        proxy = ProxySettings(self._proxy_url.encode(), False, False, False) if self._proxy_url else None
        error = self._library.neonize(
            store=(quote(str(Path(self.spec.folder) / KEY_STORE_NAME)) + _STORE_OPTIONS).encode(),
            session=self.spec.session_id.encode(),
            log_level=self._log_level,
            on_qr=self._take_qr,
            on_login_status=self._take_login_status,
            on_event=self._take_event,
            on_log=self._take_log,
            subscribed=codes.subscribed(typing=self.spec.typing_events, channels=self.spec.channel_events),
            device=_device_properties(self.spec),
            proxy=proxy,
        )
        self._gate.connected = False
        self._on_return(error.decode("utf-8", "replace"))
        self._settled.set()

    def _take_event(self, _: bytes, pointer: int, size: int, code: int) -> None:
        # Runs inside the library. The event is acknowledged to WhatsApp whatever happens here: it must be on disk
        # before anything else is done with it.
        data = ctypes.string_at(pointer, size) if size else b""
        self._note(code, data)
        self._vitals.arrives(code)
        self._keep_surely(code, data)
        self._vitals.kept()
        self._last_event_at = time.monotonic()
        self._settled.set()

    def _keep_surely(self, code: int, data: bytes) -> None:
        while True:
            try:
                return self._keep(code, data)
            except OSError:
                # A full disk: holding the library here keeps WhatsApp from delivering more until there is room.
                time.sleep(_RETRY_SECONDS)

    def _note(self, code: int, data: bytes) -> None:
        gate = self._gate
        gate.started = True
        if code == codes.DEVICE:
            gate.paired = True
            account = jids.decode(_neonize.Device.FromString(data).JID)
            gate.me = account.without_device if account is not None else None
        elif code == codes.CONNECTED:
            gate.connected = True
        elif code in codes.ENDS_CONNECTION:
            gate.connected = False
            gate.paired = gate.paired and code != codes.LOGGED_OUT

    def _take_qr(self, _: int, text: int) -> None:
        self._gate.started = True
        self._settled.set()
        self._on_qr(ctypes.string_at(text).decode())

    def _take_login_status(self, _: int, text: int) -> None:
        self._on_login_status(ctypes.string_at(text).decode("utf-8", "replace"))

    def _take_log(self, pointer: int, size: int) -> None:
        entry = _neonize.LogEntry.FromString(ctypes.string_at(pointer, size))
        self._on_log(redact(str(entry.Message)))


def looks_readable(folder: Path) -> bool:
    """Whether the key store is absent, empty or at least begins like a database. Only before the library opens it."""
    try:
        with (folder / KEY_STORE_NAME).open("rb") as store:
            header = store.read(len(_STORE_HEADER))
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return header in (b"", _STORE_HEADER)


def _device_properties(spec: SessionSpec) -> bytes:
    days = spec.history_days or _HISTORY_DAYS[spec.history]
    properties = _registration.DeviceProps(
        os=spec.device_name,
        platformType=_registration.DeviceProps.PlatformType.Value(spec.platform.upper()),
        requireFullSync=spec.history == "full" or days > _RECENT_DAYS,
        historySyncConfig=_registration.DeviceProps.HistorySyncConfig(
            fullSyncDaysLimit=days, recentSyncDaysLimit=min(days, _RECENT_DAYS)
        ),
    )
    return bytes(properties.SerializeToString())
