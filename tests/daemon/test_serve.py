"""A gateway starts with one command, says why when it cannot, and stops cleanly."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import time

import aiohttp
import pytest
from sqlalchemy import text

from gateway.db.migrate import on_connection

pytestmark = pytest.mark.long


def lines_of(gateway) -> list[str]:
    return [line for line in gateway.log.splitlines() if not line.startswith("{")]


async def get(url: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_the_first_start_makes_a_private_data_folder_and_prints_where_everything_is(launch):
    gateway = await launch()

    link = re.search(r"http://\S+/setup\?token=\S+", gateway.output)

    assert gateway.data.stat().st_mode & 0o777 == 0o700
    assert (gateway.data / "wagate.db").stat().st_mode & 0o777 == 0o600
    assert gateway.url in gateway.output
    assert f"{gateway.url}/docs" in gateway.output
    assert link is not None
    assert (gateway.data / "setup-link").read_text().strip() == link[0]
    assert link[0].partition("token=")[2] not in gateway.log


async def test_the_set_up_link_makes_the_owner_once_and_is_not_offered_again(launch):
    gateway = await launch()
    token = (gateway.data / "setup-link").read_text().strip().partition("token=")[2]
    owner = {"token": token, "name": "Ada", "email": "ada@example.com", "password": "correct horse battery"}

    async with aiohttp.ClientSession() as http:
        statuses = []
        for _ in range(2):
            async with http.post(f"{gateway.url}/api/v1/auth/setup", json=owner) as answer:
                statuses.append(answer.status)
    await gateway.end()
    again = await launch()

    assert statuses[0] == 201
    assert 400 <= statuses[1] < 500
    assert "token=" not in again.output
    assert not (again.data / "setup-link").exists()


async def test_the_root_is_a_page_for_people(launch):
    gateway = await launch()

    status, page = await get(f"{gateway.url}/", Accept="text/html")

    assert status == 200
    assert "<html" in page


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_cleanly_and_soon(launch, number):
    gateway = await launch()
    began = time.monotonic()

    code = await gateway.end(number)

    assert code == 0, gateway.log
    assert time.monotonic() - began < 5
    assert json.loads(gateway.log.splitlines()[-1])["event"] == "gateway stopped"
    assert lines_of(gateway) == []


async def test_an_open_event_stream_does_not_hold_it_up(launch, command):
    gateway = await launch()
    _, key, _ = await command(gateway, "key", "create", "stream", "--plain")
    headers = {"Authorization": f"Bearer {key.strip()}", "Accept": "text/event-stream"}

    async with aiohttp.ClientSession() as http, http.get(f"{gateway.url}/api/v1/events", headers=headers) as stream:
        assert stream.status == 200
        await stream.content.readline()
        began = time.monotonic()
        code = await gateway.end()

    assert code == 0
    assert time.monotonic() - began < 5


async def test_an_endpoint_that_hangs_does_not_hold_it_up(launch, command):
    called = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        gateway = await launch(WAGATE_GUARD__ALLOW_NETWORKS="127.0.0.0/8")
        _, key, _ = await command(gateway, "key", "create", "shop", "--plain")
        async with aiohttp.ClientSession(headers={"X-API-Key": key.strip()}) as http:
            async with http.post(f"{gateway.url}/api/v1/webhooks", json={"url": f"http://127.0.0.1:{port}/"}) as made:
                webhook = (await made.json())["id"]
            async with http.post(f"{gateway.url}/api/v1/webhooks/{webhook}/test") as tested:
                assert tested.status < 300, await tested.text()
        await asyncio.wait_for(called.wait(), 10)

        began = time.monotonic()
        code = await gateway.end()

    assert code == 0
    assert time.monotonic() - began < 8, gateway.log


async def test_a_second_gateway_on_the_same_data_folder_is_refused_in_one_line(launch):
    first = await launch()
    second = await launch(wait=False)

    code = await asyncio.wait_for(second.process.wait(), 20)

    assert code == 3
    assert lines_of(second) == [f"wagate: {first.data} is in use by another wagate (process {first.process.pid})"]
    assert (await get(f"{first.url}/readyz"))[0] == 200


async def test_a_taken_port_is_told_in_one_line(launch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        gateway = await launch(port=port, wait=False)
        code = await asyncio.wait_for(gateway.process.wait(), 20)

    assert code == 3
    assert lines_of(gateway) == [
        f"wagate: port {port} on 127.0.0.1 is in use by another program; set http.port or http.host"
    ]


async def test_a_wrong_setting_is_told_in_one_line(launch):
    gateway = await launch(wait=False, WAGATE_HTTP__PROT="80")

    code = await asyncio.wait_for(gateway.process.wait(), 20)

    assert code == 2
    (line,) = lines_of(gateway)
    assert line.startswith("wagate: http.prot: unknown name; did you mean port?")


async def test_a_database_of_a_newer_version_is_left_alone(launch):
    gateway = await launch()
    await gateway.end()
    url = f"sqlite:///{gateway.data / 'wagate.db'}"

    def pretend(connection):
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()

    await on_connection(url, pretend)
    refused = await launch(wait=False)

    assert await asyncio.wait_for(refused.process.wait(), 20) == 3
    (line,) = lines_of(refused)
    assert line.startswith("wagate: the database is at schema 9999, which this version of wagate does not know")


async def test_after_being_killed_it_starts_again_on_the_same_data(launch, command):
    gateway = await launch()
    _, key, _ = await command(gateway, "key", "create", "kept", "--plain")
    assert await gateway.end(signal.SIGKILL) == -signal.SIGKILL

    again = await launch()

    status, _ = await get(f"{again.url}/api/v1/sessions", Authorization=f"Bearer {key.strip()}")
    assert status == 200


async def test_a_key_made_beside_the_running_gateway_works_at_once(launch, command):
    gateway = await launch()

    code, key, _ = await command(gateway, "key", "create", "shop", "--plain")

    assert code == 0
    assert (await get(f"{gateway.url}/api/v1/sessions", Authorization=f"Bearer {key.strip()}"))[0] == 200
    assert (await get(f"{gateway.url}/api/v1/sessions"))[0] == 401
    assert key.strip() not in gateway.log


async def test_what_a_command_does_is_news_for_webhooks_as_well(launch, command):
    gateway = await launch(WAGATE_GUARD__ALLOW_NETWORKS="127.0.0.0/8")
    _, key, _ = await command(gateway, "key", "create", "shop", "--plain")
    async with aiohttp.ClientSession(headers={"X-API-Key": key.strip()}) as http:
        endpoint = {"url": "http://127.0.0.1:9/", "events": ["api_key.*"]}
        async with http.post(f"{gateway.url}/api/v1/webhooks", json=endpoint) as made:
            webhook = (await made.json())["id"]
        await command(gateway, "key", "create", "another", "--plain")
        async with http.get(f"{gateway.url}/api/v1/webhooks/{webhook}/deliveries") as listed:
            deliveries = (await listed.json())["items"]

    assert len(deliveries) == 1


async def test_a_folder_of_real_phones_is_not_joined_to_a_loopback_whatsapp(launch, tmp_path):
    gateway = await launch()
    await gateway.end()
    told = tmp_path / "loopback.json"
    told.write_text(json.dumps({"proxy": "http://127.0.0.1:9", "ca_file": "/nowhere.pem", "root_key": "00" * 32}))

    refused = await launch(wait=False, arguments=("--loopback-file", str(told)))

    assert await asyncio.wait_for(refused.process.wait(), 20) == 3
    assert lines_of(refused) == [
        f"wagate: {gateway.data} belongs to a production gateway and cannot be used for sandbox"
    ]


async def test_systemd_hears_that_it_is_ready_alive_and_stopping(launch, tmp_path):
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        gateway = await launch(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="600000")

        heard = [(await asyncio.wait_for(loop.sock_recv(systemd, 500), 10)).decode() for _ in range(4)]
        await gateway.end()
        while heard[-1] != "STOPPING=1":
            heard.append((await asyncio.wait_for(loop.sock_recv(systemd, 500), 10)).decode())

    assert sorted(heard[:2]) == ["READY=1\nSTATUS=wagate 0.1.0 serves " + gateway.url, "WATCHDOG=1"]
    assert heard[2:4] == ["WATCHDOG=1", "WATCHDOG=1"]


@pytest.mark.postgres
@pytest.mark.parametrize("any_migrated_url", ["postgres"], indirect=True)
async def test_it_runs_on_postgresql_as_well(launch, command, any_migrated_url):
    gateway = await launch(WAGATE_STORE__URL=any_migrated_url)

    _, key, _ = await command(gateway, "key", "create", "shop", "--plain")
    headers = {"Authorization": f"Bearer {key.strip()}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.post(f"{gateway.url}/api/v1/sessions", json={"name": "line"}) as answer:
            made = await answer.json()
        async with http.get(f"{gateway.url}/api/v1/sessions/line") as answer:
            read = await answer.json()

    assert read["id"] == made["id"]
    assert await gateway.end() == 0, gateway.log
    assert not (gateway.data / "wagate.db").exists()
