"""Files: where they lie, who takes them in, and who ends their life."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.assembly.ground import Ground
from gateway.maintenance.bucket import MoveToBucket, OldCopies
from gateway.maintenance.chore import Chore
from gateway.maintenance.media import OldMedia
from gateway.media.content_routes import MediaContentRoutes
from gateway.media.keeper import MediaKeeper
from gateway.media.library import MediaLibrary
from gateway.media.limits import MediaLimits
from gateway.media.links import MediaLinks
from gateway.media.routes import MediaRoutes
from gateway.media.shelf import DiskShelf, Shelf
from gateway.media.sound import SoundConverter
from gateway.messages.session_files import FileDefaults, SessionFiles


@dataclass(frozen=True, kw_only=True)
class Filing:
    """Everything about files. A part that stores ids of files must be registered with the keeper."""

    library: MediaLibrary
    keeper: MediaKeeper
    files: SessionFiles
    links: MediaLinks
    chores: tuple[Chore, ...]


def build_filing(ground: Ground) -> Filing:
    """Build it on the ground."""
    media = ground.config.media
    library = build_library(ground, _build_shelf(ground))
    keeper = MediaKeeper(database=ground.database, clock=ground.clock, library=library)
    files = SessionFiles(
        clock=ground.clock,
        defaults=FileDefaults(media_days=media.keep_days, media_quota_bytes=media.session_quota_bytes),
    )
    keeper.register(files)
    return Filing(
        library=library,
        keeper=keeper,
        files=files,
        links=MediaLinks(key=ground.vault.derive("links to media"), clock=ground.clock),
        chores=(OldMedia(keeper=keeper), *_bucket_chores(ground, library)),
    )


def build_library(ground: Ground, shelf: Shelf) -> MediaLibrary:
    """The store of files."""
    media = ground.config.media
    limits = MediaLimits(
        max_bytes=media.max_bytes,
        max_image_bytes=media.max_image_bytes,
        max_video_bytes=media.max_video_bytes,
        max_audio_bytes=media.max_audio_bytes,
        max_document_bytes=media.max_document_bytes,
        max_pixels=media.max_pixels,
        max_side=media.max_side,
        quota_bytes=media.quota_bytes,
        unused_days=media.unused_days,
        fetch_seconds=media.fetch_seconds,
    )
    return MediaLibrary(
        database=ground.database,
        ids=ground.ids,
        clock=ground.clock,
        http=ground.http,
        folder=ground.folder.media,
        spool_folder=ground.folder.spool,
        limits=limits,
        shelf=shelf,
        sound=SoundConverter(timeout_seconds=limits.convert_seconds),
    )


def _build_shelf(ground: Ground) -> Shelf:
    here = DiskShelf(folder=ground.folder.media)
    if ground.config.media.store == "disk":
        return here
    from gateway.media.bucket import BucketPlace, BucketShelf  # needs an extra that most do without

    s3 = ground.config.s3
    place = BucketPlace(
        bucket=s3.bucket,
        prefix=s3.prefix,
        endpoint=s3.endpoint,
        region=s3.region,
        access_key_id=s3.access_key_id,
        secret_access_key=ground.config.s3_secret,
    )
    return BucketShelf(place=place, here=here, copies_folder=ground.folder.copies, spool_folder=ground.folder.spool)


def _bucket_chores(ground: Ground, library: MediaLibrary) -> tuple[Chore, ...]:
    if ground.config.media.store == "disk":
        return ()
    from gateway.media.bucket import BucketShelf

    assert isinstance(library.shelf, BucketShelf), "the library was built on it"
    return (
        MoveToBucket(shelf=library.shelf, turns=library.turns),
        OldCopies(shelf=library.shelf, clock=ground.clock),
    )


def media_tables(ground: Ground, filing: Filing) -> list[object]:
    """The routes of files themselves."""
    return [
        MediaRoutes(database=ground.front, library=filing.library, keeper=filing.keeper),
        MediaContentRoutes(
            database=ground.front,
            library=filing.library,
            links=filing.links,
            clock=ground.clock,
            public_url=ground.config.http.public_url or None,
        ),
    ]
