"""All settings together. The environment wins over the file: ``WAGATE_HTTP__PORT=3006`` is ``port`` of section ``[http]``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.config.pacing import ConsentSection, PaceSection
from gateway.config.sections import (
    AccessSection,
    BackupSection,
    EngineSection,
    EventsSection,
    GuardSection,
    HttpSection,
    LogSection,
    MediaSection,
    MessagesSection,
    PairingSection,
    S3Section,
    SessionsSection,
    StoreSection,
    WebhooksSection,
)

ENVIRONMENT_PREFIX = "WAGATE_"


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
    pace: PaceSection = PaceSection()
    consent: ConsentSection = ConsentSection()
    messages: MessagesSection = MessagesSection()
    media: MediaSection = MediaSection()
    s3: S3Section = S3Section()
    webhooks: WebhooksSection = WebhooksSection()
    guard: GuardSection = GuardSection()
    access: AccessSection = AccessSection()
    events: EventsSection = EventsSection()
    backup: BackupSection = BackupSection()
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
    def s3_secret(self) -> str:
        """The secret key of the bucket; never log it."""
        path = self.s3.access_key_file
        return Path(path).read_text("utf-8").strip() if path else ""

    @property
    def public_url(self) -> str:
        """How browsers reach the gateway, without a slash at the end."""
        return self.http.public_url or f"http://{_host_in_url(self.http.host)}:{self.http.port}"


def _host_in_url(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
