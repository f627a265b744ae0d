"""Loads WhatsApp's protobuf modules out of neonize without loading neonize's Go library."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

_PACKAGE = "neonize"


class EngineMissingError(ImportError):
    """The neonize package is not installed."""


def package_folder() -> Path:
    """Where neonize is installed."""
    loaded = sys.modules.get(_PACKAGE)
    if loaded is not None:
        return Path(loaded.__path__[0])
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EngineMissingError("neonize is not installed")
    return Path(spec.submodule_search_locations[0])


def load(module: str) -> ModuleType:
    """Import one generated module, for instance ``load("waE2E.WAWebProtobufsE2E_pb2")``.

    ``neonize/__init__`` would load the Go library into this process; an empty parent package stands in for it.
    """
    name = f"{_PACKAGE}.proto.{module}"
    if name in sys.modules:
        return sys.modules[name]
    folder = package_folder()
    if _PACKAGE not in sys.modules:
        parent = ModuleType(_PACKAGE)
        parent.__path__ = [str(folder)]
        sys.modules[_PACKAGE] = parent
    with _import_path(folder / "proto"):
        return importlib.import_module(name)


@contextmanager
def _import_path(folder: Path) -> Iterator[None]:
    # The generated modules import each other by top-level names, and neonize.proto puts its folder first on the
    # import path for that. Neither shall remain once they are loaded.
    before = list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = before
