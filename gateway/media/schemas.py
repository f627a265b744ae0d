"""How files look at the edge."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gateway.kit.ids import render_id
from gateway.kit.times import render_time
from gateway.media.models import Media


class MediaOut(BaseModel):
    """One file."""

    id: str = Field(examples=["med_0dq1m8k3v2a7c"])
    mimetype: str = Field(examples=["image/jpeg"])
    size: int = Field(description="In bytes.")
    sha256: str
    filename: str | None
    width: int | None
    height: int | None
    seconds: int | None
    url: str = Field(description="Where the bytes are, for callers who may read media.")
    created_at: str


class UploadQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    filename: str | None = Field(None, max_length=255, description="What the recipient shall see.")


class LinkQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    expires_in: int = Field(3600, ge=60, le=7 * 86_400, description="Seconds that the link works.")


class LinkOut(BaseModel):
    url: str = Field(description="Gives the bytes to whoever has it.")
    expires_at: str


def render_media(media: Media) -> dict[str, object]:
    """A file as JSON."""
    media_id = render_id("med", media.id)
    return {
        "id": media_id,
        "mimetype": media.mimetype,
        "size": media.size,
        "sha256": media.sha256,
        "filename": media.filename,
        "width": media.width,
        "height": media.height,
        "seconds": media.seconds,
        "url": f"/api/v1/media/{media_id}/content",
        "created_at": render_time(media.created_at),
    }
