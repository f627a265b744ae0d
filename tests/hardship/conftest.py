"""A disk that fails, and a clock that jumps, for real processes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.hardship.faults import Faults, build

MakeFaults = Callable[..., Faults]


@pytest.fixture(scope="session")
def fault_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that is loaded before everything else."""
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        missing("compiler", "no C compiler is installed, which the disk that fails is made with")
    return build(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def make_faults(fault_library: Path, tmp_path: Path) -> MakeFaults:
    """``make_faults(folder)``: what goes wrong with files in that folder."""

    def make(folder: Path, *, trace: Path | None = None) -> Faults:
        folder.mkdir(parents=True, exist_ok=True)
        return Faults(library=fault_library, control=tmp_path / "control", folder=folder.resolve(), trace=trace)

    return make
