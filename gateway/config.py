"""What the operator may set: one class per section of ``config.toml``, and how the file and the environment are read.

The environment wins over the file: ``WAGATE_HTTP__PORT=3006`` is ``port`` of section ``[http]``.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.db.database import parse_url
from gateway.db.errors import DatabaseUrlError

ENVIRONMENT_PREFIX = "WAGATE_"
Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """Base of all sections: a key that nobody knows is an error, not a wish that is never granted."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class HttpSection(Section):
    """Where the gateway listens and how it is reached."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on. 0.0.0.0 makes it reachable from elsewhere."
    )
    port: Port = Field(default=3005, description="Port to listen on.")
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s/]+(/[^\s]*[^\s/])?)?$",
        description="How customers' browsers reach the gateway, such as https://wa.example.com; used in pairing links. "
        "Empty: http://host:port.",
    )
    insecure_cookies: bool = Field(
        default=False,
        description="Let people sign in over plain http from other machines. Only for networks you trust.",
    )
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description="Networks of reverse proxies whose X-Forwarded-For is believed."
    )
    max_body_bytes: Positive = Field(default=2_097_152, description="Largest request body, except for media uploads.")
    requests_per_second: Seconds = Field(default=200.0, description="How fast one API key may call, on average.")
    burst: Positive = Field(default=1000, description="How many calls one API key may make at once.")
    metrics: Literal["loopback", "open", "off"] = Field(
        default="loopback",
        description="Who may read /metrics: this machine only (loopback), everybody (open), nobody (off).",
    )


class StoreSection(Section):
    """Where everything is kept."""

    data_folder: Path = Field(default=Path("wagate-data"), description="Keys, media and, with SQLite, the database.")
    url: str = Field(
        default="", description="postgresql://user:password@host/name. Empty: SQLite, in wagate.db in the data folder."
    )
    url_file: str = Field(
        default="",
        description="File that holds the url, for those who keep passwords out of settings (LoadCredential=).",
    )
    pool_size: Positive = Field(default=10, description="Connections to PostgreSQL.")
    batch_limit: Positive = Field(default=128, description="SQLite: most changes that share one commit.")
    queue_limit: Positive = Field(
        default=20_000, description="SQLite: most changes that may wait; beyond it callers get 503."
    )


class EngineSection(Section):
    """How phones are run."""

    sessions_per_worker: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1,
        description="Sessions that share one worker process. 1: a crash touches nobody else. More: less memory.",
    )


class SessionsSection(Section):
    """What new sessions get unless they say otherwise."""

    device_name: Annotated[str, Field(min_length=1, max_length=50)] = Field(
        default="wagate", description="Name shown on the phone under linked devices."
    )
    history: Literal["none", "recent", "full"] = Field(
        default="recent", description="How much of its history a phone shares when it is linked."
    )
    typing_events: bool = Field(default=True, description="Report when somebody is typing.")


class PairingSection(Section):
    """How phones are linked."""

    link_hours: Annotated[float, Field(gt=0, le=24 * 30)] = Field(
        default=24.0, description="How long a pairing link for a customer works."
    )


class MediaSection(Section):
    """Pictures, sound, films and documents."""

    max_bytes: Positive = Field(default=104_857_600, description="Largest file, up and down.")
    fetch_seconds: Seconds = Field(default=60.0, description="Longest time to fetch media from a URL.")
    download: bool = Field(default=True, description="Fetch incoming media as soon as it arrives.")


class WebhooksSection(Section):
    """News for other programs."""

    timeout_seconds: Seconds = Field(default=15.0, description="Longest wait for an endpoint's answer.")
    disable_after_hours: Positive = Field(
        default=120, description="An endpoint that only fails for this long is disabled."
    )


class GuardSection(Section):
    """Which addresses users may make the gateway call: webhooks and media by URL."""

    allow_networks: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description='Private networks that are allowed nevertheless, such as ["10.1.0.0/16"].'
    )
    ports: tuple[Port, ...] = Field(
        default=(80, 443), description="Ports that may be called; any port in allow_networks."
    )


class AccessSection(Section):
    """People who sign in."""

    sign_in_idle_hours: Positive = Field(default=24, description="A sign-in that is not used for this long ends.")
    sign_in_days: Positive = Field(default=30, description="No sign-in lasts longer than this.")


class EventsSection(Section):
    """The event log."""

    heartbeat_seconds: Seconds = Field(
        default=15.0, description="How often a silent event stream says that it is alive."
    )
    keep_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        default=30,
        description="How long events are kept, and with them what became of them at webhooks. An event that a webhook "
        "has yet to be told of is kept longer.",
    )


class LogSection(Section):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least important line to write."
    )
    format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="json: one object per line. console: for people. auto: console on a terminal, else json.",
    )


class _Environment(EnvSettingsSource):
    """Reads ``WAGATE_SECTION__KEY``; a list is JSON or simply separated by commas."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return json.loads(value)
        except ValueError:
            return [part.strip() for part in value.split(",")]


class Config(BaseSettings):
    """Everything the operator has set, checked."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
    )

    http: HttpSection = HttpSection()
    store: StoreSection = StoreSection()
    engine: EngineSection = EngineSection()
    sessions: SessionsSection = SessionsSection()
    pairing: PairingSection = PairingSection()
    media: MediaSection = MediaSection()
    webhooks: WebhooksSection = WebhooksSection()
    guard: GuardSection = GuardSection()
    access: AccessSection = AccessSection()
    events: EventsSection = EventsSection()
    log: LogSection = LogSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then what the file says (handed to the constructor)."""
        return _Environment(settings_cls), init_settings

    @property
    def database_url(self) -> str:
        """The address of the store, the file behind ``url_file`` included. Holds a password: never log it."""
        if self.store.url_file:
            return Path(self.store.url_file).read_text("utf-8").strip()
        return self.store.url or f"sqlite:///{self.store.data_folder.absolute() / 'wagate.db'}"

    @property
    def public_url(self) -> str:
        """How browsers reach the gateway, without a slash at the end."""
        return self.http.public_url or f"http://{_host_in_url(self.http.host)}:{self.http.port}"


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
    try:
        parse_url(config.database_url)
    except OSError as error:
        raise ConfigError([f"store.url_file = {config.store.url_file!r}: cannot be read ({error.strerror})"]) from None
    except DatabaseUrlError as error:
        raise ConfigError([f"store.url = (hidden): {error}"]) from None


def _host_in_url(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
