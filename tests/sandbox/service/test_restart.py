"""What survives: a restart and a kill leave accounts, devices, keys and queues as they were."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sessions.sandbox.identity import Folder
from sessions.sandbox.service import Service
from sessions.sandbox.state.store import Store
from sessions.sandbox.wire.node import Node
from tests.sandbox.service.companion import Companion


async def test_a_client_logs_in_after_a_restart_and_gets_what_waited(open_service: Callable[[], Service]) -> None:
    first = open_service()
    ana, ben = first.directory.register("1001", "Ana"), first.directory.register("1002", "Ben")
    sender, receiver = Companion(first), Companion(first)
    await sender.link(ana)
    await receiver.link(ben)
    number = await sender.send(ben)
    await first.close()
    first.store.close()

    second = open_service()
    receiver.service = sender.service = second
    receiver.received.clear()
    await receiver.connect()
    await sender.connect()
    account = second.account("1002")
    await sender.send(account, message_id=number)

    assert [node.text("id") for node in receiver.all("message")] == [number]
    assert (account.lid, account.name, len(account.companions)) == (ben.lid, "Ben", 1)
    assert account.companions[0].record == receiver.device.record
    await second.close()
    second.store.close()


async def test_a_removed_device_leaves_nothing_behind(open_service: Callable[[], Service]) -> None:
    first = open_service()
    ben = first.directory.register("1002", "Ben")
    client = Companion(first)
    device = await client.link(ben)
    first.directory.publish_keys(
        device,
        registration_id=7,
        identity_key=client.identity.public,
        signed_prekey=client.signed_prekey,
        prekeys=[(1, bytes(32))],
    )
    await first.delivery.deliver(device, Node("message", {"id": "1"}))
    await first.unlink(device)
    await first.close()

    assert first.store.queue(device.key) == []
    assert first.store.prekeys(device.key) == []
    first.store.close()
    second = open_service()
    assert second.account("1002").companions == []
    await second.close()
    second.store.close()


def test_a_kill_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "whatsapp.db"
    script = (
        "import os, sys; from pathlib import Path; from sessions.sandbox.state.store import Store;"
        "store = Store(Path(sys.argv[1])); store.enqueue('1:1', b'kept'); store.commit();"
        "store.enqueue('1:1', b'lost'); os.kill(os.getpid(), 9)"
    )

    killed = subprocess.run([sys.executable, "-c", script, str(path)], check=False)

    store = Store(path)
    assert killed.returncode == -9
    assert [entry.stanza for entry in store.queue("1:1")] == [b"kept"]
    store.close()


def test_keys_and_authority_stay_the_same_and_private(tmp_path: Path) -> None:
    first = Folder(tmp_path / "data")
    first.authority.server_context()
    first.store.close()
    certificate = first.authority.certificate_file.read_bytes()

    second = Folder(tmp_path / "data")
    second.store.close()

    assert second.noise == first.noise
    assert second.authority.certificate_file.read_bytes() == certificate
    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "data").iterdir() if file.is_file()}
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}
