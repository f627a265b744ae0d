"""A backup holds everything, in one file that only its key opens, and is whole or not there at all."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from gateway.archives.errors import ArchiveDamagedError, ArchiveSecretError, ArchiveWrongKeyError
from gateway.backup import command
from gateway.backup.errors import BackupError
from gateway.backup.files import last_backup
from gateway.fleet.render import session_id
from sessions import keycopy
from sessions.keycopy import copy_keys, fingerprint
from tests.backup.conftest import SECRET, back_up, bring_back, held_by_another, premises_at, tree_of, write_keys


async def test_what_comes_back_is_what_was_there(premises, tmp_path):
    shop = await premises.session("shop")
    before = tree_of(premises.folder.path)

    path, tally = await back_up(premises, tmp_path / "backup")
    await bring_back(premises, path, tmp_path / "restored")

    after = tree_of(tmp_path / "restored")
    same = {name for name, digest in after.items() if before.get(name) == digest}
    assert {name for name in after if name.startswith("media/")} <= same
    assert {"vault.key", "wagate.json", f"sessions/{session_id(shop)}/journal"} <= same
    assert (tally.sessions, tally.files) == (1, 1)
    assert (await premises_at(tmp_path / "restored").session("shop")).is_paired


async def test_what_lies_in_the_logs_of_the_databases_is_in_the_backup(premises, tmp_path):
    shop = await premises.session("shop")
    keys = premises.keys_of(shop) / "keys.db"
    with closing(sqlite3.connect(keys)) as worker:
        worker.execute("CREATE TABLE late (x)")
        worker.commit()
        assert keys.with_name("keys.db-wal").stat().st_size > 0

        path, _ = await back_up(premises, tmp_path / "backup")

    await bring_back(premises, path, tmp_path / "restored")
    restored = tmp_path / "restored" / "sessions" / session_id(shop) / "keys.db"
    with closing(sqlite3.connect(restored)) as opened:
        assert opened.execute("SELECT count(*) FROM late").fetchone() == (0,)


async def test_a_backup_without_media_leaves_the_files_behind(premises, tmp_path):
    path, tally = await back_up(premises, tmp_path / "backup", with_media=False)

    await bring_back(premises, path, tmp_path / "restored")
    assert tally.files == 0
    assert not (tmp_path / "restored" / "media").exists()


async def test_nothing_in_the_file_can_be_read_without_its_key(premises, tmp_path):
    path, _ = await back_up(premises, tmp_path / "backup")
    key = premises.folder.vault_key.read_bytes()

    content = path.read_bytes()
    assert [secret for secret in (b"SQLite format", b"+4915110000001", b"a picture", key) if secret in content] == []
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ArchiveWrongKeyError):
        await command.verify(path, secret=b"another passphrase")


async def test_a_weak_passphrase_is_refused_before_anything_is_written(premises, tmp_path):
    with pytest.raises(ArchiveSecretError):
        await back_up(premises, tmp_path / "backup", secret=b"short")

    assert not (tmp_path / "backup").exists()


async def test_nothing_is_left_in_the_data_folder_but_a_note(premises, tmp_path):
    before = set(tree_of(premises.folder.path))

    path, _ = await back_up(premises, tmp_path / "backup")

    new = set(tree_of(premises.folder.path)) - before
    assert {name for name in new if not name.endswith((".db-shm", ".db-wal"))} == {"last-backup.json", "lock"}
    noted = last_backup(premises.folder)
    assert (noted.path, noted.bytes) == (str(path), path.stat().st_size)


async def test_a_backup_that_cannot_be_read_back_never_gets_its_name(premises, tmp_path, monkeypatch):
    monkeypatch.setattr(keycopy, "damage_in", lambda path: "page 7 is never used")

    with pytest.raises(ArchiveDamagedError, match="page 7 is never used"):
        await back_up(premises, tmp_path / "backup")

    assert [file.name for file in tmp_path.iterdir()] == ["data"]
    assert last_backup(premises.folder) is None


async def test_a_store_that_is_broken_is_not_backed_up_as_if_it_were_whole(premises, tmp_path):
    with (premises.folder.path / "wagate.db").open("r+b") as store:
        store.seek(40 * 4096)
        store.write(b"\xff" * 4096 * 4)

    with pytest.raises((ArchiveDamagedError, BackupError)):
        await back_up(premises, tmp_path / "backup")

    assert not (tmp_path / "backup").exists()


async def test_backups_in_a_folder_are_named_by_time_and_the_oldest_go(premises, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in (1, 2, 3):
        (folder / f"wagate-2026010{day}T000000Z.wagate-backup").touch()
    (folder / "notes.txt").touch()

    path, _ = await back_up(premises, folder, keep=2)

    assert sorted(file.name for file in folder.iterdir()) == sorted(
        ["notes.txt", "wagate-20260103T000000Z.wagate-backup", path.name]
    )


async def test_a_place_that_cannot_be_written_is_told_in_one_line(premises, tmp_path):
    with pytest.raises(BackupError, match=r"nowhere/backup\.partial cannot be written: No such file or directory"):
        await back_up(premises, tmp_path / "nowhere" / "backup")


async def test_a_folder_without_a_gateway_has_nothing_to_back_up(premises, tmp_path):
    shutil.rmtree(premises.folder.path)

    with pytest.raises(BackupError, match="there is nothing to back up"):
        await back_up(premises, tmp_path / "backup")


async def test_a_copy_says_whether_somebody_used_the_keys(premises, tmp_path):
    shop = await premises.session("shop")
    other = await premises.link("other")

    with held_by_another(premises.keys_of(other) / "lock"):
        path, tally = await back_up(premises, tmp_path / "backup")

    checked = await command.verify(path, secret=SECRET)
    assert tally.sessions_in_use == 1
    assert {name: kept.at_rest for name, kept in checked.kept.items()} == {
        session_id(shop): True,
        session_id(other): False,
    }


async def test_a_session_that_was_never_linked_has_no_keys_to_keep(premises, tmp_path):
    (premises.folder.sessions / "ses_0000000000001").mkdir()

    path, tally = await back_up(premises, tmp_path / "backup")

    assert tally.sessions == 1
    await command.verify(path, secret=SECRET)


async def test_keys_that_are_no_database_are_told_by_their_folder(premises, tmp_path):
    shop = await premises.session("shop")
    (premises.keys_of(shop) / "keys.db").write_bytes(b"certainly not a database" * 1000)

    with pytest.raises(BackupError, match=session_id(shop)):
        await back_up(premises, tmp_path / "backup")


async def test_the_daemon_may_write_while_the_backup_is_made(premises, tmp_path):
    """The backup reads through SQLite: a writer is never kept waiting by it, nor half of its work copied."""
    with closing(sqlite3.connect(premises.folder.path / "wagate.db", isolation_level=None)) as daemon:
        daemon.execute("BEGIN IMMEDIATE")
        daemon.execute("UPDATE orgs SET name = 'half-way'")

        path, _ = await back_up(premises, tmp_path / "backup")

        daemon.execute("COMMIT")
    await bring_back(premises, path, tmp_path / "restored")
    name = await premises_at(tmp_path / "restored").read(lambda tx: tx.execute(text("SELECT name FROM orgs")).scalar())
    assert name == "Organization 1"


async def test_fingerprints_differ_exactly_when_a_key_has_moved_on(premises, tmp_path):
    folder = premises.keys_of(await premises.session("shop"))
    prints = []
    for number in range(3):
        copy_keys(folder, tmp_path / f"copy-{number}")
        prints.append(fingerprint(tmp_path / f"copy-{number}"))
        if number == 1:
            write_keys(folder / "keys.db", "UPDATE whatsmeow_device SET jid = 'another'")

    assert prints[0] == prints[1] != prints[2]
