"""A data folder is private, of one kind, and one daemon's."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.datafolder import DataFolder, DataFolderError, FolderKind


def test_it_is_made_with_everything_in_it_and_for_its_owner_only(tmp_path):
    folder = DataFolder(tmp_path / "deep" / "data")

    folder.prepare(FolderKind.PRODUCTION)

    assert {entry.name for entry in folder.path.iterdir()} == {"sessions", "media", "spool", "wagate.json"}
    assert folder.path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("made", "wanted"), [(FolderKind.PRODUCTION, FolderKind.SANDBOX), (FolderKind.SANDBOX, FolderKind.PRODUCTION)]
)
def test_the_other_kind_is_refused(tmp_path, made, wanted):
    DataFolder(tmp_path).prepare(made)

    with pytest.raises(DataFolderError, match=f"belongs to a {made} gateway and cannot be used for {wanted}"):
        DataFolder(tmp_path).prepare(wanted)


def test_a_damaged_marker_is_an_error_and_not_a_fresh_start(tmp_path):
    (tmp_path / "wagate.json").write_text("{")

    with pytest.raises(DataFolderError, match="is damaged"):
        DataFolder(tmp_path).prepare(FolderKind.PRODUCTION)


def test_a_path_that_cannot_be_a_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(DataFolderError, match="cannot be used as data folder"):
        DataFolder(tmp_path / "file").prepare(FolderKind.PRODUCTION)


def test_a_second_process_is_refused_until_the_first_lets_go(tmp_path):
    folder = DataFolder(tmp_path)
    folder.prepare(FolderKind.PRODUCTION)
    claim = f"from gateway.datafolder import *; f = DataFolder(__import__('pathlib').Path({str(tmp_path)!r})); f.lock()"

    folder.lock()
    refused = subprocess.run([sys.executable, "-c", claim], capture_output=True, text=True, check=False)
    folder.unlock()
    accepted = subprocess.run([sys.executable, "-c", claim], capture_output=True, text=True, check=False)

    assert "is in use by another wagate (process" in refused.stderr
    assert accepted.returncode == 0, accepted.stderr


def test_a_new_run_starts_with_an_empty_spool(tmp_path):
    folder = DataFolder(tmp_path)
    folder.prepare(FolderKind.PRODUCTION)
    (folder.spool / "half").write_bytes(b"x")

    folder.empty_spool()

    assert list(folder.spool.iterdir()) == []
