"""What keeps the gateway from starting is told in one line."""

from __future__ import annotations

import asyncio
import json
import socket
import sys

import pytest
from sqlalchemy import text

from gateway.config.settings import Config
from gateway.datafolder import DataFolder, FolderKind
from gateway.db.migrate import on_connection, upgrade
from gateway.exits import CannotStartError
from gateway.loopback_file import LoopbackFileError, read_loopback
from gateway.startup import claim_store, listen, open_store, visited_store
from sessions.protocol import Loopback

_HOLD_THE_LOCK = """
import pathlib, sys
from gateway.datafolder import DataFolder
folder = DataFolder(pathlib.Path(sys.argv[1]))
folder.lock()
print("locked", flush=True)
sys.stdin.read()
"""


def config_for(folder, **http) -> Config:
    return Config(store={"data_folder": str(folder)}, http=http)


def test_a_port_that_somebody_has_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(CannotStartError, match=f"port {port} on 127.0.0.1 is in use by another program"):
            listen(Config(http={"port": port}))


def test_an_address_that_is_not_this_machines_is_named():
    with pytest.raises(CannotStartError, match=r"port 3005 on 192\.0\.2\.1 cannot be used"):
        listen(Config(http={"host": "192.0.2.1"}))


async def test_a_database_of_a_newer_version_is_refused(tmp_path):
    config = config_for(tmp_path)
    await upgrade(config.database_url)

    def pretend(connection):
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()

    await on_connection(config.database_url, pretend)

    with pytest.raises(CannotStartError, match="the database is at schema 9999"):
        await open_store(config)


async def test_a_store_out_of_reach_is_told_without_its_password(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    config = Config(store={"url": f"postgresql://wagate:hush@127.0.0.1:{port}/wagate"})

    with pytest.raises(CannotStartError, match="the store cannot be opened") as caught:
        await open_store(config)

    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_file_that_is_no_database_is_told(tmp_path):
    config = config_for(tmp_path)
    (tmp_path / "wagate.db").write_bytes(b"certainly not a database file" * 100)

    with pytest.raises(CannotStartError, match="the store cannot be opened: file is not a database"):
        await open_store(config)


async def test_a_command_beside_the_daemon_finds_the_schema_in_place(tmp_path):
    async with visited_store(config_for(tmp_path), None) as database:
        version = await database.read(lambda tx: tx.execute(text("SELECT version_num FROM alembic_version")).scalar())

    assert version is not None


async def test_a_command_does_not_change_the_schema_under_a_running_gateway(tmp_path):
    folder = DataFolder(tmp_path)
    folder.prepare(FolderKind.PRODUCTION)
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _HOLD_THE_LOCK, str(tmp_path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"locked\n"

    with pytest.raises(CannotStartError, match="of another version than this command; stop it first"):
        async with visited_store(config_for(tmp_path), None):
            pass
    await holder.communicate(b"")

    async with visited_store(config_for(tmp_path), None):
        pass


async def test_a_folder_of_real_phones_is_never_joined_to_a_loopback_whatsapp(tmp_path):
    async with visited_store(config_for(tmp_path), None):
        pass
    loopback = Loopback(proxy_url="http://127.0.0.1:1", ca_file="ca.pem", root_key=bytes(32))

    with pytest.raises(CannotStartError, match="belongs to a production gateway"):
        async with visited_store(config_for(tmp_path), loopback):
            pass


def test_the_loopback_whatsapp_is_read_from_its_file(tmp_path):
    file = tmp_path / "loopback.json"
    file.write_text(json.dumps({"proxy": "http://127.0.0.1:9", "ca_file": "/ca.pem", "root_key": "ab" * 32}))

    assert read_loopback(file) == Loopback(
        proxy_url="http://127.0.0.1:9", ca_file="/ca.pem", root_key=bytes.fromhex("ab" * 32)
    )


@pytest.mark.parametrize(
    "content",
    ["", "{}", '{"proxy": "x", "ca_file": "y", "root_key": "zz"}', '{"proxy": "x", "ca_file": "y", "root_key": "ab"}'],
)
def test_a_loopback_file_that_says_something_else_is_refused(tmp_path, content):
    file = tmp_path / "loopback.json"
    file.write_text(content)

    with pytest.raises(LoopbackFileError, match=r"loopback\.json"):
        read_loopback(file)


async def test_a_second_gateway_on_the_same_store_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.db.claim._PATIENCE_SECONDS", 0.1)
    config = Config(store={"data_folder": str(tmp_path), "url": f"sqlite:///{tmp_path / 'shared.db'}"})
    claim = await claim_store(config, on_lost=lambda: None)

    with pytest.raises(CannotStartError, match="the store is in use by another wagate"):
        await claim_store(config, on_lost=lambda: None)

    await claim.stop()
