"""The whole schema: every slice's models, found by their place, so that none can be forgotten."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil

from sqlalchemy import MetaData

import gateway
from gateway.db.base import Base


def load_tables() -> MetaData:
    """Import ``gateway/<slice>/models.py`` of every slice and give the metadata that they declare."""
    for slice_ in pkgutil.iter_modules(gateway.__path__):
        name = f"gateway.{slice_.name}.models"
        if slice_.ispkg and importlib.util.find_spec(name) is not None:
            importlib.import_module(name)
    return Base.metadata
