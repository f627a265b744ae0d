"""Each known problem is made to happen, and the doctor finds it and says what to do."""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import shutil
import socket
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.backup.files import LastBackup, note_backup
from gateway.config.settings import Config
from gateway.db.migrate import head
from gateway.examining import (
    doctor,
    engine_checks,
    face_checks,
    folder_checks,
    host_checks,
    outside_checks,
    store_checks,
    work_checks,
)
from gateway.examining.finding import Machine, Subject, Verdict
from gateway.examining.work_store import SeenSession, Work
from gateway.fleet.render import session_id
from gateway.kit.clock import SystemClock
from tests.backup.conftest import Premises, gateway_command, held_by_another


class Engine:
    """An engine that is only asked about itself."""

    def __init__(self, *problems: str) -> None:
        self._problems = problems

    async def self_check(self):
        return list(self._problems)


@pytest.fixture
async def premises(tmp_path, clock, ids, sqlite_template) -> Premises:
    made = Premises(tmp_path / "data", clock, ids)
    await made.make(sqlite_template)
    await made.link("shop")
    return made


@pytest.fixture
def subject_of(premises):
    """``subject_of(http={...})``: the gateway with these settings; ``machine``, ``work`` and the like by name."""

    def make(*, machine=None, work=None, clock=None, environment=None, engine=None, **sections) -> Subject:
        sections = {"store": {"data_folder": str(premises.folder.path)}, **sections}
        return Subject(
            config=Config(**sections),
            folder=premises.folder,
            engine=engine or Engine(),
            clock=clock or SystemClock(),
            environment=os.environ if environment is None else environment,
            work=work,
            machine=machine or Machine(),
        )

    return make


def work_of(*sessions: SeenSession, **more) -> Work:
    values = {"paused": [], "oldest_queued_at": None, "disabled_webhooks": 0, "dead_deliveries": 0} | more
    return Work(sessions=list(sessions), **values)


def seen(number: int = 1, *, name: str = "shop", status: str = "connected", reason=None, is_linked=True) -> SeenSession:
    return SeenSession(id=number, name=name, status=status, reason=reason, is_linked=is_linked, is_wanted=True)


async def test_a_healthy_gateway_is_found_healthy(premises, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    note_backup(premises.folder, LastBackup(at=SystemClock().now(), path="x", bytes=1))

    findings = await doctor.examine(premises.config)

    bad = [finding for finding in findings if finding.verdict is not Verdict.FINE and finding.name != "ffmpeg"]
    assert bad == []
    assert len({finding.name for finding in findings}) == len(findings) == 30


async def test_an_engine_that_is_not_whole(subject_of):
    found = await engine_checks.engine(subject_of(engine=Engine("the library is another one")))

    assert (found.verdict, found.sentence) == (Verdict.WRONG, "the library is another one")


async def test_a_store_that_is_no_database(premises, subject_of):
    (premises.folder.path / "wagate.db").write_bytes(b"certainly not a database" * 100)

    found = await store_checks.reach(subject_of())

    assert (found.verdict, "file is not a database" in found.sentence) == (Verdict.WRONG, True)


async def test_a_store_that_nobody_answers_for(subject_of):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    subject = subject_of(store={"url": f"postgresql://wagate:hush@127.0.0.1:{port}/wagate"})

    found = [await check(subject) for check in (store_checks.reach, store_checks.version, store_checks.latency)]

    assert [one.verdict for one in found] == [Verdict.WRONG, Verdict.ADVICE, Verdict.ADVICE]
    assert "hush" not in "".join(one.sentence for one in found)


async def test_a_store_of_another_schema(subject_of, monkeypatch):
    monkeypatch.setattr(store_checks, "head", lambda: "9999")

    found = await store_checks.reach(subject_of())

    assert (found.verdict, found.remedy) == (Verdict.ADVICE, "wagate migrate")
    assert head() in found.sentence


@pytest.mark.postgres
async def test_postgresql_that_is_old_or_far_away(subject_of, postgres_url, monkeypatch):
    subject = subject_of(store={"url": postgres_url})
    well = [await store_checks.version(subject), await store_checks.latency(subject)]
    monkeypatch.setattr(store_checks, "_OLDEST_POSTGRES", 99)
    monkeypatch.setattr(store_checks, "_SLOW_SECONDS", 0.0)

    found = [await store_checks.version(subject), await store_checks.latency(subject)]

    assert [one.verdict for one in (*well, *found)] == [Verdict.FINE] * 2 + [Verdict.ADVICE] * 2
    assert "for a round trip" in found[1].sentence


async def test_a_sqlite_that_is_too_old(subject_of, monkeypatch):
    monkeypatch.setattr(store_checks.sqlite3, "sqlite_version_info", (3, 7, 17))

    assert (await store_checks.version(subject_of())).verdict is Verdict.WRONG


async def test_a_data_folder_on_a_network_disk(premises, subject_of, tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/x {premises.folder.path} nfs4 rw 0 0\n")

    found = await store_checks.file_system(subject_of(machine=Machine(mounts=mounts)))

    assert (found.verdict, "nfs4" in found.sentence) == (Verdict.WRONG, True)


async def test_a_data_folder_that_others_may_read(premises, subject_of):
    premises.folder.path.chmod(0o755)

    assert (await folder_checks.privacy(subject_of())).verdict is Verdict.ADVICE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_a_file_that_belongs_to_somebody_else(premises, subject_of):
    os.chown(premises.folder.path / "wagate.db", 12345, 12345)

    found = await folder_checks.owners(subject_of())

    assert (found.verdict, "wagate.db" in found.sentence) == (Verdict.WRONG, True)


async def test_a_full_disk(subject_of, monkeypatch):
    monkeypatch.setattr(folder_checks, "LEAST_FREE_BYTES", 1 << 62)
    monkeypatch.setattr(folder_checks, "_LEAST_FREE_INODES", 1 << 62)

    found = [await folder_checks.disk(subject_of()), await folder_checks.inodes(subject_of())]

    assert [one.verdict for one in found] == [Verdict.WRONG, Verdict.WRONG]


async def test_a_vault_without_its_key(premises, subject_of):
    premises.folder.vault_key.unlink()

    found = await folder_checks.vault(subject_of(work=work_of(seen())))

    assert (found.verdict, "is missing" in found.sentence) == (Verdict.WRONG, True)
    assert not premises.folder.vault_key.exists()


@pytest.mark.parametrize(("content", "mode"), [(b"short", 0o600), (bytes(32), 0o644)])
async def test_a_key_of_the_vault_that_cannot_be_used(premises, subject_of, content, mode):
    premises.folder.vault_key.write_bytes(content)
    premises.folder.vault_key.chmod(mode)

    assert (await folder_checks.vault(subject_of())).verdict is Verdict.WRONG


async def test_keys_that_cannot_be_read_are_told_by_the_sessions_name(premises, subject_of):
    shop = await premises.session("shop")
    (premises.keys_of(shop) / "keys.db").write_bytes(b"certainly not a database" * 1000)

    found = await folder_checks.key_stores(subject_of(work=work_of(seen(shop.id))))

    assert (found.verdict, "shop" in found.sentence) == (Verdict.WRONG, True)


async def test_a_linked_session_without_keys(premises, subject_of):
    shop = await premises.session("shop")
    shutil.rmtree(premises.keys_of(shop))

    found = await folder_checks.missing_keys(subject_of(work=work_of(seen(shop.id))))

    assert (found.verdict, "shop" in found.sentence) == (Verdict.WRONG, True)


async def test_keys_that_belong_to_nobody(premises, subject_of):
    found = await folder_checks.stray_keys(subject_of(work=work_of()))

    assert (found.verdict, session_id(await premises.session("shop")) in found.sentence) == (Verdict.ADVICE, True)


async def test_a_worker_that_goes_on_without_its_gateway(premises, subject_of):
    shop = await premises.session("shop")

    with held_by_another(premises.keys_of(shop) / "lock"):
        found = await folder_checks.workers(subject_of(work=work_of(seen(shop.id))))
        with held_by_another(premises.folder.path / "lock"):
            beside_its_gateway = await folder_checks.workers(subject_of())

    assert (found.verdict, "shop" in found.sentence) == (Verdict.WRONG, True)
    assert int(found.remedy.rpartition(" ")[2].rstrip(".")) > 1
    assert beside_its_gateway.verdict is Verdict.FINE


async def test_a_journal_that_grows(premises, subject_of):
    shop = await premises.session("shop")
    with (premises.keys_of(shop) / "journal").open("r+b") as journal:
        journal.truncate(100 * 1024 * 1024)

    assert (await folder_checks.journals(subject_of())).verdict is Verdict.ADVICE


async def test_what_a_killed_command_has_left(premises, subject_of):
    (premises.folder.path / ".backup-abc").mkdir()

    found = await folder_checks.leftovers(subject_of())

    assert (found.verdict, ".backup-abc" in found.remedy) == (Verdict.ADVICE, True)


@pytest.mark.parametrize("age", [None, timedelta(hours=49)])
async def test_no_backup_or_an_old_one(premises, subject_of, age):
    if age is not None:
        note_backup(premises.folder, LastBackup(at=SystemClock().now() - age, path="x", bytes=1))

    assert (await folder_checks.backups(subject_of())).verdict is Verdict.ADVICE


async def test_a_port_that_is_taken(subject_of):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = await host_checks.port(subject_of(http={"port": taken.getsockname()[1]}))

    assert (found.verdict, "in use" in found.sentence) == (Verdict.ADVICE, True)


async def test_a_machine_without_ffmpeg(subject_of, tmp_path, monkeypatch):
    bare = subject_of(environment={"PATH": str(tmp_path)})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert (await host_checks.ffmpeg(bare)).verdict is Verdict.FINE
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert (await host_checks.ffmpeg(bare)).verdict is Verdict.ADVICE


async def test_a_clock_that_stands_in_the_past(subject_of):
    past = SimpleNamespace(now=lambda: SystemClock().now().replace(year=2001))

    assert (await host_checks.clock(subject_of(clock=past))).verdict is Verdict.WRONG


async def test_too_few_descriptors_for_the_phones(subject_of):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = work_of(*(seen(number) for number in range(soft)))

    found = await host_checks.descriptors(subject_of(work=many))

    assert (found.verdict, "ulimit -n" in found.remedy) == (Verdict.WRONG, True)
    assert (soft, hard) == resource.getrlimit(resource.RLIMIT_NOFILE)


async def test_too_little_memory_for_the_phones(subject_of, tmp_path):
    memory = tmp_path / "meminfo"
    memory.write_text("MemTotal:       512000 kB\nMemAvailable:   256000 kB\n")
    ten = work_of(*(seen(number) for number in range(10)))

    machine = Machine(memory=memory)
    alone = await host_checks.memory(subject_of(work=ten, machine=machine))
    one = await host_checks.memory(subject_of(work=work_of(seen()), machine=machine))

    assert (alone.verdict, one.verdict) == (Verdict.ADVICE, Verdict.FINE)


async def test_root(subject_of, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert (await host_checks.account(subject_of())).verdict is Verdict.ADVICE


async def test_a_unit_that_does_not_watch(subject_of, tmp_path):
    (tmp_path / "wagate.service").write_text("[Service]\nType=simple\nRestart=always\nStateDirectory=wagate\n")

    found = await host_checks.systemd(subject_of(machine=Machine(units=(tmp_path,))))

    assert (found.verdict, "Type=notify, WatchdogSec" in found.sentence) == (Verdict.ADVICE, True)


async def test_the_unit_that_we_ship_watches(subject_of):
    shipped = Path(__file__).parents[2] / "systemd"

    assert (await host_checks.systemd(subject_of(machine=Machine(units=(shipped,))))).verdict is Verdict.FINE


@pytest.mark.parametrize(
    ("http", "check"),
    [
        ({"host": "0.0.0.0"}, face_checks.public_url),
        ({"public_url": "http://wa.example.com"}, face_checks.cookies),
        ({"public_url": "http://wa.example.com", "insecure_cookies": True}, face_checks.cookies),
        ({"public_url": "https://wa.example.com"}, face_checks.proxies),
        ({"trusted_proxies": ["0.0.0.0/0"]}, face_checks.proxies),
        ({"trusted_proxies": ["::/0"]}, face_checks.proxies),
    ],
)
async def test_a_face_that_customers_cannot_use_or_anybody_can(subject_of, http, check):
    found = await check(subject_of(http=http))

    assert (found.verdict, bool(found.remedy)) == (Verdict.ADVICE, True)


async def test_a_face_behind_a_proxy_as_it_should_be(subject_of):
    subject = subject_of(http={"public_url": "https://wa.example.com", "trusted_proxies": ["10.0.0.7/32"]})

    found = [await check(subject) for check in (face_checks.public_url, face_checks.cookies, face_checks.proxies)]

    assert {one.verdict for one in found} == {Verdict.FINE}


async def test_sessions_that_wait_for_a_person(subject_of):
    banned = seen(name="shop", status="banned", reason="account_banned")

    found = await work_checks.sessions(subject_of(work=work_of(banned, seen(2))))

    assert (found.verdict, found.remedy.startswith("shop: WhatsApp has banned")) == (Verdict.ADVICE, True)


async def test_a_queue_that_is_paused(subject_of):
    found = await work_checks.queues(subject_of(work=work_of(paused=["shop"])))

    assert (found.verdict, "shop" in found.sentence) == (Verdict.ADVICE, True)


async def test_a_queue_that_stands(subject_of):
    hour_ago = SystemClock().now() - timedelta(hours=1)

    found = await work_checks.queues(subject_of(work=work_of(oldest_queued_at=hour_ago)))

    assert (found.verdict, "60 minutes" in found.sentence) == (Verdict.ADVICE, True)


@pytest.mark.parametrize("trouble", [{"disabled_webhooks": 1}, {"dead_deliveries": 3}])
async def test_webhooks_that_nobody_answers(subject_of, trouble):
    assert (await work_checks.webhooks(subject_of(work=work_of(**trouble)))).verdict is Verdict.ADVICE


async def test_a_whatsapp_that_is_out_of_reach(subject_of):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    unknown = subject_of(machine=Machine(whatsapp=("nowhere.invalid", 443)))
    deaf = subject_of(machine=Machine(whatsapp=("127.0.0.1", port)))

    assert (await outside_checks.names(unknown)).verdict is Verdict.WRONG
    assert (await outside_checks.whatsapp(deaf)).verdict is Verdict.WRONG
    assert (await outside_checks.names(deaf)).verdict is Verdict.FINE


async def test_a_whatsapp_that_can_be_reached(subject_of):
    with socket.create_server(("127.0.0.1", 0)) as server:
        subject = subject_of(machine=Machine(whatsapp=("127.0.0.1", server.getsockname()[1])))

        assert (await outside_checks.whatsapp(subject)).verdict is Verdict.FINE


async def test_a_check_that_cannot_be_made_is_a_note_and_keeps_no_other_from_being_made(subject_of):
    async def port(subject):
        raise PermissionError(13, "Permission denied")

    found = await doctor._made(port, subject_of())

    assert (found.name, found.verdict) == ("port", Verdict.ADVICE)


async def test_the_command_speaks_json_and_ends_with_3_when_something_is_wrong(premises):
    folder = {"WAGATE_STORE__DATA_FOLDER": str(premises.folder.path)}
    shop = await premises.session("shop")
    shutil.rmtree(premises.keys_of(shop))

    code, output, complaint = await gateway_command("doctor", "--json", **folder)

    found = {finding["name"]: finding["verdict"] for finding in json.loads(output)}
    assert (code, complaint) == (3, "")
    assert (found["missing keys"], found["store"]) == ("wrong", "fine")
    assert "names" not in found
