"""What is left of a daemon that was killed: nothing for long, and nothing that could send behind our back."""

from __future__ import annotations

import asyncio
import fcntl
import signal
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from sessions.errors import StoreError
from sessions.keystore import KEY_STORE_NAME, find_message_id, find_message_id_when_free
from tests.engine.worlds import RealWorld, connected, envelope, link, send, spec_for

_DAEMON = """
import asyncio, sys
from sessions.protocol import Loopback, SessionSpec
from sessions.settings import EngineSettings
from sessions.supervisor import Supervisor


class Listener:
    async def on_reports(self, reports): ...
    async def on_status(self, change):
        if change.status == "connected":
            print(engine.worker_pid(change.session_id), flush=True)


async def main(proxy_url, ca_file, root_key, folder):
    global engine
    loopback = Loopback(proxy_url=proxy_url, ca_file=ca_file, root_key=bytes.fromhex(root_key))
    engine = Supervisor(settings=EngineSettings(loopback=loopback), listener=Listener())
    await engine.run(SessionSpec(session_id="ses_1", folder=folder))
    await asyncio.sleep(3600)


asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_worker_ends_when_its_daemon_is_killed_and_the_session_runs_elsewhere(
    real: RealWorld, tmp_path: Path
) -> None:
    spec, number, other = spec_for(tmp_path), await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec, number)
    await real.engine.halt("ses_1")
    loopback = real.settings.loopback
    assert loopback is not None
    arguments = [loopback.proxy_url, loopback.ca_file, loopback.root_key.hex(), spec.folder]
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _DAEMON, *arguments, stdout=asyncio.subprocess.PIPE, env={"PYTHONPATH": str(Path.cwd())}
    )
    assert daemon.stdout is not None
    pid = int(await asyncio.wait_for(daemon.stdout.readline(), 20))

    daemon.send_signal(signal.SIGKILL)
    await daemon.wait()
    await real.engine.run(spec)

    started = time.monotonic()
    await connected(real, "ses_1")
    assert time.monotonic() - started < 5
    assert not is_alive(pid)
    await send(real, "ses_1", envelope(other, "still here"))


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended may stay listed until somebody asks how it ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_look_for_a_message_waits_until_nobody_can_write_any_more(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    make_key_store(tmp_path, "INSERT INTO whatsmeow_device VALUES ('1@s.whatsapp.net')")
    with (tmp_path / "lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StoreError):
            find_message_id_when_free(tmp_path, b"x" * 32, patience_seconds=0.1)

    assert find_message_id_when_free(tmp_path, b"x" * 32, patience_seconds=0.1) is None


@pytest.mark.parametrize("has_file", [True, False])
def test_keys_that_are_gone_prove_nothing(tmp_path: Path, has_file: bool) -> None:
    if has_file:
        make_key_store(tmp_path)

    with pytest.raises(StoreError):
        find_message_id(tmp_path, b"x" * 32)


def make_key_store(folder: Path, *statements: str) -> None:
    """A key store with the two tables that are looked into."""
    store = sqlite3.connect(folder / KEY_STORE_NAME)
    store.execute("CREATE TABLE whatsmeow_device (jid TEXT)")
    store.execute("CREATE TABLE whatsmeow_message_secrets (message_id TEXT, key BLOB)")
    for statement in statements:
        store.execute(statement)
    store.commit()
    store.close()
