"""The whole schema: every slice's models, found by their place, so that none can be forgotten."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from typing import Any, Final

from sqlalchemy import MetaData

import gateway
from gateway.db.base import Base

#: Made by their step in words of each database, since no declaration fits all; FTS5 keeps more tables beside its own.
BY_HAND: Final = ("message_words", "ix_message_words")


def load_tables() -> MetaData:
    """Import ``gateway/<slice>/models.py`` of every slice and give the metadata that they declare."""
    for slice_ in pkgutil.iter_modules(gateway.__path__):
        name = f"gateway.{slice_.name}.models"
        if slice_.ispkg and importlib.util.find_spec(name) is not None:
            importlib.import_module(name)
    return Base.metadata


def is_declared(_object: Any, name: str | None, _kind: str, _is_reflected: bool, _other: Any) -> bool:
    """Whether Alembic shall compare this table or index with the models."""
    return not (name or "").startswith(BY_HAND)
