"""Reads the settings, and says in one line per mistake what is wrong and what is allowed."""

from __future__ import annotations

import difflib
import importlib.util
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.config.settings import ENVIRONMENT_PREFIX, Config


class ConfigError(Exception):
    """The settings cannot be used; each problem is one line that names the key, the value and what is allowed."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def load_config(path: Path | None) -> Config:
    """Read the file, if there is one, and the environment; raises ConfigError."""
    written = _read_file(path) if path is not None else {}
    _refuse_unknown_variables(os.environ)
    try:
        config = Config(**written)
    except ValidationError as error:
        raise ConfigError(_describe(problem) for problem in error.errors()) from None
    _check_store(config)
    _check_bucket(config)
    return config


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError([f"{path}: there is no such file"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read ({error})"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from None


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    """A misspelt section in the environment would otherwise be ignored without a word."""
    problems = []
    for name in environment:
        section, separator, _ = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if name.startswith(ENVIRONMENT_PREFIX) and separator and section not in Config.model_fields:
            problems.append(f"{name}: {_unknown(section, Config.model_fields)}")
    if problems:
        raise ConfigError(problems)


def _describe(problem: Any) -> str:
    path = [str(part) for part in problem["loc"]]
    key = ".".join(path)
    if problem["type"] == "extra_forbidden":
        return f"{key}: {_unknown(path[-1], _siblings(path))}"
    return f"{key} = {_shown(path, problem['input'])}: {problem['msg'][:1].lower()}{problem['msg'][1:]}"


def _siblings(path: list[str]) -> Mapping[str, Any]:
    section = Config.model_fields.get(path[0])
    if len(path) < 2 or section is None or section.annotation is None:
        return Config.model_fields
    fields: Mapping[str, Any] = section.annotation.model_fields
    return fields


def _unknown(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"unknown name; {hint}known here: {', '.join(names)}"


def _shown(path: list[str], value: object) -> str:
    """The value as text, unless it may hold a password."""
    return "(hidden)" if path[-1] in SECRET_KEYS else repr(value)[:100]


#: Keys whose values are never shown.
SECRET_KEYS = frozenset({"url"})


def _check_store(config: Config) -> None:
    if config.store.url and config.store.url_file:
        raise ConfigError(["store.url, store.url_file: set one of them, not both"])
    # SQLAlchemy takes most of a second, which `wagate --help` need not wait for.
    from gateway.db.errors import DatabaseUrlError
    from gateway.db.url import parse_url

    try:
        parse_url(config.database_url)
    except OSError as error:
        raise ConfigError([f"store.url_file = {config.store.url_file!r}: cannot be read ({error.strerror})"]) from None
    except DatabaseUrlError as error:
        raise ConfigError([f"store.url = (hidden): {error}"]) from None


def _check_bucket(config: Config) -> None:
    if config.media.store != "s3":
        return
    s3 = config.s3
    if not s3.bucket:
        raise ConfigError(["s3.bucket: name the bucket, since media.store is s3"])
    if bool(s3.access_key_id) != bool(s3.access_key_file):
        raise ConfigError(["s3.access_key_id, s3.access_key_file: set both of them, or none"])
    try:
        config.s3_secret  # noqa: B018 - whether it can be read
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise ConfigError([f"s3.access_key_file = {s3.access_key_file!r}: {problem}"]) from None
    if importlib.util.find_spec("obstore") is None:
        raise ConfigError(["media.store = 's3': this needs `pip install 'wagate[s3]'`"])
