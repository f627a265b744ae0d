"""One class per section of ``config.toml``: its keys, what they allow, and what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork

Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]
Days = Annotated[int, Field(ge=0, le=36_500)]


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
    idempotency_hours: Annotated[float, Field(ge=1, le=24 * 30)] = Field(
        default=24.0, description="How long the answer to a request with an Idempotency-Key is kept for its repeats."
    )
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
    probe_seconds: Annotated[float, Field(ge=10, le=3600)] = Field(
        default=120.0,
        description="A session that WhatsApp sent nothing to for about this long is asked for a sign of life.",
    )
    probe_answer_seconds: Annotated[float, Field(ge=1, le=60)] = Field(
        default=10.0,
        description="An answer that takes longer makes the session degraded; twice as long, and it connects anew.",
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


class MessagesSection(Section):
    """What is sent."""

    on_uncertain: Literal["hold", "resend"] = Field(
        default="hold",
        description="What becomes of a message when nobody can know whether it was sent and no receipt comes. "
        "hold: it waits for a person. resend: it is sent again, at the risk of a double.",
    )
    uncertain_minutes: Annotated[float, Field(gt=0, le=1440)] = Field(
        default=10.0,
        description="How long to wait for a receipt, counted while the session is connected and caught up.",
    )
    stalled_after_seconds: Seconds = Field(
        default=300.0, description="Messages that wait for longer although they may go are told of: queue.stalled."
    )


class MediaSection(Section):
    """Pictures, sound, films and documents."""

    max_bytes: Positive = Field(default=104_857_600, description="Largest file, up and down.")
    max_image_bytes: NotNegative = Field(default=0, description="Largest image. 0: as max_bytes; so for each kind.")
    max_video_bytes: NotNegative = Field(default=0, description="Largest film.")
    max_audio_bytes: NotNegative = Field(default=0, description="Largest sound.")
    max_document_bytes: NotNegative = Field(default=0, description="Largest file of any other type.")
    max_pixels: Annotated[int, Field(ge=1, le=250_000_000)] = Field(
        default=50_000_000, description="Most pixels of an image; larger ones are refused before they are decoded."
    )
    max_side: Annotated[int, Field(ge=1, le=65_535)] = Field(
        default=10_000, description="Most pixels of an image in width or height."
    )
    quota_bytes: NotNegative = Field(
        default=0, description="Most room for all files of an organization together. 0: no limit."
    )
    session_quota_bytes: NotNegative = Field(
        default=0,
        description="Most room for the files in the messages of one session; what arrives beyond it is not fetched. "
        "0: no limit. Each session may have its own, settings.media_quota_bytes.",
    )
    keep_days: Days = Field(
        default=0,
        description="How long files of messages are kept; never less than until they are sent. 0: for ever. Each session "
        "may have its own, settings.media_days.",
    )
    unused_days: Days = Field(
        default=30,
        description="How long an uploaded file is kept that no message and no schedule has. 0: for ever.",
    )
    store: Literal["disk", "s3"] = Field(
        default="disk", description="Where files are kept: in the data folder, or in a bucket, see [s3]."
    )
    fetch_seconds: Seconds = Field(default=60.0, description="Longest time to fetch media from a URL.")
    download: bool = Field(default=True, description="Fetch incoming media as soon as it arrives.")


class S3Section(Section):
    """The bucket for media, where media.store is s3. Needs `pip install 'wagate[s3]'`."""

    bucket: str = Field(default="", description="Name of the bucket. It must exist.")
    prefix: str = Field(default="", description="What the names of files begin with in the bucket.")
    endpoint: str = Field(
        default="",
        pattern=r"^(https?://[^\s/]+)?$",
        description="Address of the store, such as https://minio.example.com:9000. Empty: Amazon's.",
    )
    region: str = Field(default="us-east-1", description="Region of the bucket.")
    access_key_id: str = Field(
        default="", description="Empty: what the environment says (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and so on)."
    )
    access_key_file: str = Field(
        default="",
        description="File that holds the secret key, for those who keep it out of settings (LoadCredential=).",
    )


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
        "or a consumer has yet to deal with is kept longer.",
    )
    keep_unacked_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        default=90,
        description="How long events are kept for a named consumer that has not acknowledged them. Then it is told "
        "that they are gone.",
    )


class BackupSection(Section):
    """What `wagate backup` does when it is not told otherwise."""

    folder: str = Field(default="", description="Folder for backups. Empty: the command must name a file.")
    key_file: str = Field(
        default="",
        description="File that holds the key or passphrase of backups. Keep a copy of it elsewhere: without it no "
        "backup can be read.",
    )
    keep: Annotated[int, Field(ge=0)] = Field(
        default=0, description="How many backups to keep in the folder; older ones are deleted. 0: all."
    )
    warn_after_hours: Positive = Field(
        default=48, description="`wagate doctor` says so when the newest backup is older than this."
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
