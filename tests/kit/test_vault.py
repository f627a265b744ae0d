"""The vault: what is sealed comes back only whole, only there, only with the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.kit.vault import Vault, VaultError


def test_what_is_sealed_comes_back(tmp_path: Path) -> None:
    vault = Vault.at(tmp_path / "secret_key")

    sealed = vault.seal(b"whsec_something", context="webhook 1")

    assert b"whsec" not in sealed
    assert vault.open(sealed, context="webhook 1") == b"whsec_something"


def test_the_key_outlives_the_process_and_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    sealed = Vault.at(path).seal(b"x", context="")

    assert path.stat().st_mode & 0o777 == 0o600
    assert Vault.at(path).open(sealed, context="") == b"x"


def test_a_value_moved_to_another_row_does_not_open(tmp_path: Path) -> None:
    vault = Vault.at(tmp_path / "secret_key")
    sealed = vault.seal(b"x", context="webhook 1")

    with pytest.raises(VaultError):
        vault.open(sealed, context="webhook 2")


@pytest.mark.parametrize("position", [0, 1, 13, -1])
def test_a_changed_byte_is_noticed(tmp_path: Path, position: int) -> None:
    vault = Vault.at(tmp_path / "secret_key")
    sealed = bytearray(vault.seal(b"a secret", context=""))
    sealed[position] ^= 1

    with pytest.raises(VaultError):
        vault.open(bytes(sealed), context="")


def test_another_key_does_not_open(tmp_path: Path) -> None:
    sealed = Vault.at(tmp_path / "one").seal(b"x", context="")

    with pytest.raises(VaultError):
        Vault.at(tmp_path / "other").open(sealed, context="")


def test_a_key_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    Vault.at(path)
    path.chmod(0o644)

    with pytest.raises(VaultError, match="chmod 600"):
        Vault.at(path)


def test_a_damaged_key_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    path.write_bytes(b"short")
    path.chmod(0o600)

    with pytest.raises(VaultError):
        Vault.at(path)

    assert path.read_bytes() == b"short"
