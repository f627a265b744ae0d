"""Settings as TOML text: the commented example, and what is in force with secrets masked."""

from __future__ import annotations

import json
import textwrap
from ipaddress import IPv4Network, IPv6Network
from pathlib import PurePath

from gateway.config.loading import SECRET_KEYS
from gateway.config.sections import Section
from gateway.config.settings import ENVIRONMENT_PREFIX, Config

_WIDTH = 110
_HEAD = f"""\
# Every setting of wagate with its default. Take away the "# " before a line to change it.
# The environment wins over this file: {ENVIRONMENT_PREFIX}HTTP__PORT=3006 sets port in [http].
# `wagate check` says what is in force, and refuses names that it does not know.
"""


def example() -> str:
    """The text of ``config.example.toml``, made from the classes."""
    return "\n".join(
        [_HEAD, *(_example_section(name, section) for name, section in _sections(Config.model_construct()))]
    )


def effective(config: Config) -> str:
    """What is in force, as a config file; values that may hold a password are masked."""
    parts = []
    for name, section in _sections(config):
        lines = [f"[{name}]", *(f"{key} = {_masked(key, value)}" for key, value in section)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _sections(config: Config) -> list[tuple[str, Section]]:
    return [(name, getattr(config, name)) for name in Config.model_fields]


def _example_section(name: str, section: Section) -> str:
    lines = [f"[{name}]", f"# {(type(section).__doc__ or '').strip()}", ""]
    for key, field in type(section).model_fields.items():
        lines += textwrap.wrap(field.description or "", _WIDTH, initial_indent="# ", subsequent_indent="# ")
        lines += [f"# {key} = {_toml(getattr(section, key))}", ""]
    return "\n".join(lines)


def _masked(key: str, value: object) -> str:
    return _toml("********") if key in SECRET_KEYS and value else _toml(value)


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, PurePath | IPv4Network | IPv6Network):
        return json.dumps(str(value))
    return json.dumps(value)
