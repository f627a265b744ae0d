"""A restore makes all of a gateway or nothing, sends nothing twice, and never goes on with keys that are too old."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.archives.errors import ArchiveDamagedError, ArchiveWrongKeyError
from gateway.backup import command, databases
from gateway.backup.errors import BackupError
from gateway.config.settings import Config
from gateway.db.migrate import on_connection
from gateway.messages.models import Queue
from sessions.status import Reason, SessionStatus
from tests.backup.conftest import (
    SECRET,
    SYSTEM,
    Premises,
    back_up,
    bring_back,
    gateway_command,
    held_by_another,
    premises_at,
    tree_of,
    write_keys,
)

pytestmark = pytest.mark.long


async def backed_up_while_in_use(premises, target) -> Path:
    """A backup made beside a gateway that runs its phone."""
    shop = await premises.session("shop")
    with (
        held_by_another(premises.folder.path / "lock"),
        held_by_another(premises.keys_of(shop) / "lock"),
    ):
        path, _ = await back_up(premises, target)
    return path


async def queue_of(premises, session) -> Queue | None:
    return await premises.read(lambda tx: tx.session.get(Queue, session.id))


async def test_after_a_move_with_the_gateway_stopped_phones_stay_linked_and_queues_go_on(premises, tmp_path):
    path, _ = await back_up(premises, tmp_path / "backup")

    done = await bring_back(premises, path, tmp_path / "restored")

    restored = premises_at(tmp_path / "restored")
    shop = await restored.session("shop")
    assert (done.unlinked, done.paused) == (0, 0)
    assert shop.is_paired
    assert (restored.keys_of(shop) / "keys.db").exists()
    assert await queue_of(restored, shop) is None


async def test_keys_that_were_in_use_are_not_gone_on_with(premises, tmp_path):
    path = await backed_up_while_in_use(premises, tmp_path / "backup")

    done = await bring_back(premises, path, tmp_path / "restored")

    restored = premises_at(tmp_path / "restored")
    shop = await restored.session("shop")
    assert done.unlinked == 1
    assert (shop.is_paired, shop.status, shop.reason) == (False, SessionStatus.LOGGED_OUT, Reason.RESTORED)
    assert not restored.keys_of(shop).exists()


async def test_whoever_knows_what_it_means_may_go_on_with_them_all_the_same(premises, tmp_path):
    path = await backed_up_while_in_use(premises, tmp_path / "backup")

    done = await bring_back(premises, path, tmp_path / "restored", force_sessions=True)

    restored = premises_at(tmp_path / "restored")
    shop = await restored.session("shop")
    assert (done.unlinked, shop.is_paired) == (0, True)
    assert (restored.keys_of(shop) / "keys.db").exists()


async def test_keys_that_were_used_since_are_noticed_where_the_old_folder_is_still_there(premises, tmp_path):
    path, _ = await back_up(premises, tmp_path / "backup")
    shop = await premises.session("shop")
    write_keys(premises.keys_of(shop) / "keys.db", "INSERT INTO whatsmeow_device VALUES ('moved on')")

    done = await bring_back(premises, path, tmp_path / "restored")

    assert done.unlinked == 1
    assert (await premises_at(tmp_path / "restored").session("shop")).reason == Reason.RESTORED


async def test_what_waited_in_a_running_gateway_waits_for_a_person(premises, tmp_path):
    """It may have been sent after the backup: nobody can know, so nothing is sent by itself."""
    path = await backed_up_while_in_use(premises, tmp_path / "backup")

    done = await bring_back(premises, path, tmp_path / "restored", force_sessions=True)

    restored = premises_at(tmp_path / "restored")
    queue = await queue_of(restored, await restored.session("shop"))
    assert done.paused == 1
    assert queue.paused_at is not None
    assert queue.pause_reason == "restored"


async def test_positions_in_the_event_log_are_never_given_a_second_time(premises, tmp_path):
    path = await backed_up_while_in_use(premises, tmp_path / "backup")
    given_after = await position_of_an_event(premises)

    await bring_back(premises, path, tmp_path / "restored")

    restored = premises_at(tmp_path / "restored")
    assert await position_of_an_event(restored) > given_after + 1_000_000


async def position_of_an_event(premises) -> int:
    """Let something happen; give its position in the log."""

    def happen(tx):
        premises.sessions.announce(tx, premises.sessions.get(tx, SYSTEM, "shop"), "session.status")

    await premises.write(happen)
    return await premises.read(lambda tx: tx.execute(text("SELECT max(id) FROM events")).scalar_one())


async def test_a_folder_that_is_not_empty_is_left_alone(premises, tmp_path):
    path, _ = await back_up(premises, tmp_path / "backup")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").write_text("mine")

    with pytest.raises(BackupError, match="is not empty"):
        await bring_back(premises, path, tmp_path / "full")

    assert tree_of(tmp_path / "full").keys() == {"precious"}
    assert not (tmp_path / "full.restoring").exists()


async def test_an_empty_folder_is_taken(premises, tmp_path):
    path, _ = await back_up(premises, tmp_path / "backup")
    (tmp_path / "empty").mkdir()

    await bring_back(premises, path, tmp_path / "empty")

    assert (tmp_path / "empty" / "wagate.db").exists()


async def test_the_folder_of_a_running_gateway_is_named_as_that(premises, tmp_path):
    path, _ = await back_up(premises, tmp_path / "backup")

    with (
        held_by_another(premises.folder.path / "lock"),
        pytest.raises(BackupError, match=r"is in use by another wagate .* stop it first"),
    ):
        await bring_back(premises, path, premises.folder.path)


async def test_a_wrong_key_changes_nothing(premises, tmp_path):
    path, _ = await back_up(premises, tmp_path / "backup")

    with pytest.raises(ArchiveWrongKeyError):
        await command.restore(
            premises.config, file=path, into=tmp_path / "restored", secret=b"another passphrase", force_sessions=False
        )

    assert sorted(file.name for file in tmp_path.iterdir()) == ["backup", "data"]


@pytest.mark.parametrize("where", [0.5, 0.99])
async def test_a_damaged_backup_changes_nothing(premises, tmp_path, where):
    path, _ = await back_up(premises, tmp_path / "backup")
    content = bytearray(path.read_bytes())
    content[int(len(content) * where)] ^= 1
    path.write_bytes(content)

    with pytest.raises(ArchiveDamagedError):
        await bring_back(premises, path, tmp_path / "restored")

    assert sorted(file.name for file in tmp_path.iterdir()) == ["backup", "data"]


async def test_a_backup_of_a_newer_version_is_refused(premises, tmp_path):
    def pretend(connection):
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()

    await on_connection(premises.config.database_url, pretend)
    path, _ = await back_up(premises, tmp_path / "backup")

    with pytest.raises(BackupError, match="whose schema 9999 this version does not know"):
        await bring_back(premises, path, tmp_path / "restored")

    assert not (tmp_path / "restored").exists()


async def test_a_restore_that_was_cut_short_is_begun_anew(premises, tmp_path):
    path, _ = await back_up(premises, tmp_path / "backup")
    (tmp_path / "restored.restoring").mkdir()
    (tmp_path / "restored.restoring" / "half").touch()

    await bring_back(premises, path, tmp_path / "restored")

    assert "half" not in tree_of(tmp_path / "restored")
    assert not (tmp_path / "restored.restoring").exists()


async def test_a_backup_of_sqlite_is_not_put_into_postgresql(premises, tmp_path):
    path, _ = await back_up(premises, tmp_path / "backup")
    config = Config(store={"data_folder": str(tmp_path / "restored"), "url": "postgresql://nobody@127.0.0.1:1/x"})

    with pytest.raises(BackupError, match="holds a sqlite store"):
        await command.restore(config, file=path, into=None, secret=SECRET, force_sessions=False)


async def test_a_restored_folder_is_backed_up_and_restored_again_the_same(premises, tmp_path):
    first, _ = await back_up(premises, tmp_path / "first")
    await bring_back(premises, first, tmp_path / "restored")

    second, _ = await back_up(premises_at(tmp_path / "restored"), tmp_path / "second")
    await bring_back(premises, second, tmp_path / "again")

    wanted = {name for name in tree_of(tmp_path / "again") if name.startswith(("media/", "sessions/"))}
    assert {tree_of(tmp_path / "restored")[name] == tree_of(tmp_path / "again")[name] for name in wanted} == {True}


async def test_a_backup_goes_through_pipes(premises, tmp_path):
    """`wagate backup - | ssh elsewhere`, and back."""
    folder = {"WAGATE_STORE__DATA_FOLDER": str(premises.folder.path), "WAGATE_ARCHIVE_PASSPHRASE": SECRET.decode()}

    code, archive, complaint = await gateway_command("backup", "-", **folder)
    assert (code, complaint.startswith("Backed up the store, the keys of 1 phone and 1 other files")) == (0, True)
    into = {**folder, "WAGATE_STORE__DATA_FOLDER": str(tmp_path / "restored")}
    code, output, complaint = await gateway_command("restore", "-", stdin=archive, **into)

    assert code == 0, complaint
    assert output.startswith(b"Restored what was backed up at 20")
    assert (await premises_at(tmp_path / "restored").session("shop")).is_paired


async def test_commands_end_with_2_for_a_wrong_key_and_3_when_they_cannot(premises, tmp_path):
    await back_up(premises, tmp_path / "backup")
    folder = {"WAGATE_STORE__DATA_FOLDER": str(premises.folder.path)}
    (tmp_path / "key").write_bytes(SECRET + b"\n")

    wrong = await gateway_command("backup", "verify", str(tmp_path / "backup"), stdin=b"not this one\n", **folder)
    full = await gateway_command("restore", str(tmp_path / "backup"), "--key-file", str(tmp_path / "key"), **folder)
    whole = await gateway_command(
        "backup", "verify", str(tmp_path / "backup"), "--key-file", str(tmp_path / "key"), **folder
    )

    assert (wrong[0], wrong[2]) == (2, "wagate: The key or passphrase does not open this archive.\n")
    assert (full[0], full[2].count("\n")) == (3, 1)
    assert (whole[0], whole[1].startswith(b"Whole: the store")) == (0, True)


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit is not installed")
@pytest.mark.parametrize("command_line", [("restore", "--into"), ("backup",)])
async def test_a_disk_that_takes_no_more_is_told_in_one_line_and_nothing_is_left_behind(
    premises, tmp_path, command_line
):
    await back_up(premises, tmp_path / "backup")
    (tmp_path / "key").write_bytes(SECRET)
    files = [str(tmp_path / name) for name in (("backup", "restored") if "--into" in command_line else ("another",))]
    arguments = [command_line[0], files[0], *command_line[1:], *files[1:], "--key-file", str(tmp_path / "key")]

    code, _, complaint = await gateway_command(
        *arguments, under=("prlimit", "--fsize=8000"), WAGATE_STORE__DATA_FOLDER=str(premises.folder.path)
    )

    assert (code, complaint.count("\n")) == (3, 1), complaint
    assert sorted(file.name for file in tmp_path.iterdir()) == ["backup", "data", "key"]


@pytest.mark.postgres
async def test_postgresql_is_backed_up_and_restored_into_an_empty_database(tmp_path, clock, ids, new_postgres):
    premises = Premises(tmp_path / "data", clock, ids, await new_postgres())
    await premises.make()
    shop = await premises.link("shop")
    path = await backed_up_while_in_use(premises, tmp_path / "backup")
    given_after = await position_of_an_event(premises)

    target = Premises(tmp_path / "restored", clock, ids, await new_postgres())
    done = await bring_back(target, path, tmp_path / "restored", force_sessions=True)

    restored = await target.session("shop")
    queue = await queue_of(target, restored)
    assert (restored.id, restored.is_paired, done.paused) == (shop.id, True, 1)
    assert queue is not None
    assert queue.pause_reason == "restored"
    assert await position_of_an_event(target) > given_after + 1_000_000
    assert not list((tmp_path / "restored").glob("*.pgdump"))
    shutil.rmtree(tmp_path / "restored")
    with pytest.raises(BackupError, match=r"the database that store\.url names is not empty"):
        await bring_back(target, path, tmp_path / "restored")


def test_a_password_of_postgresql_is_no_argument_that_everybody_sees(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "pg_dump").write_text('#!/bin/sh\necho "$@" > "$0.arguments"\necho "no such server" >&2\nexit 1\n')
    (tmp_path / "pg_dump").chmod(0o755)

    with pytest.raises(BackupError, match="pg_dump failed: no such server"):
        databases.dump_postgres("postgresql://wagate:hush@db/wagate", tmp_path / "dump")

    assert "hush" not in (tmp_path / "pg_dump.arguments").read_text()


def test_postgresql_without_its_tools_is_refused_with_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(databases, "_LIKELY_FOLDERS", "/nowhere/*/bin")

    with pytest.raises(BackupError, match=r"pg_dump is needed .* apt install postgresql-client"):
        databases.dump_postgres("postgresql://wagate:hush@db/wagate", tmp_path / "dump")
