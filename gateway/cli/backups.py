"""Commands that back up and restore."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gateway.cli.invocation import ConfigFile, fail, read_settings, run_to_end
from gateway.cli.secrets import KeyFile, read_secret
from gateway.exits import ExitCode

#: A file, or - for standard output or input.
FileOrDash = Annotated[Path, Parameter(allow_leading_hyphen=True)]


def backup(
    file: FileOrDash | None = None,
    *,
    key_file: KeyFile = None,
    media: bool = True,
    keep: int | None = None,
    config: ConfigFile = None,
) -> None:
    """Write everything into one encrypted file, beside a running gateway, and read it back.

    Parameters
    ----------
    file
        Where to: a file, a folder (the file is then named by the time), or - for standard output, which cannot be read
        back. `backup.folder` by default.
    media
        Take the files of messages along.
    keep
        Delete all but so many of the newest backups in the folder. `backup.keep` by default.
    """
    from gateway.backup.command import back_up

    settings, _ = read_settings(config)
    target = file or (Path(settings.backup.folder) if settings.backup.folder else None)
    _demand_no_option(target)
    if target is None:
        fail("name a file to write to, or set backup.folder", ExitCode.USAGE)
    keep = settings.backup.keep or None if keep is None else keep
    secret = read_secret(key_file, fallback=settings.backup.key_file, is_new=True)
    place, tally = run_to_end(
        lambda: back_up(
            settings,
            target=None if str(target) == "-" else target,
            secret=secret,
            with_media=media,
            keep=keep if target.is_dir() else None,
        )
    )
    sys.stderr.write(f"Backed up {tally.sentence()}.\n")
    if place is not None:
        sys.stdout.write(f"{place}\n")


def verify(file: Path, *, key_file: KeyFile = None, config: ConfigFile = None) -> None:
    """Read a backup from the front to the end and look at everything in it, as a restore would.

    Parameters
    ----------
    file
        The backup.
    """
    from gateway.backup.command import verify as check

    settings, _ = read_settings(config)
    secret = read_secret(key_file, fallback=settings.backup.key_file, is_new=False)
    found = run_to_end(lambda: check(file, secret=secret))
    sys.stdout.write(
        f"Whole: {found.tally.sentence()}.\n"
        f"Made {found.about.made_at:%Y-%m-%d %H:%M:%S} UTC by wagate {found.about.version}.\n"
    )


def restore(
    file: FileOrDash,
    *,
    into: Path | None = None,
    key_file: KeyFile = None,
    force_sessions: Annotated[bool, Parameter(negative=())] = False,
    config: ConfigFile = None,
) -> None:
    """Make a data folder, and with PostgreSQL a database, of a backup. All of it, or nothing.

    Parameters
    ----------
    file
        The backup, or - for standard input.
    into
        The data folder to make; `store.data_folder` by default. It must be empty, or not be there yet.
    force_sessions
        Go on with keys that are older than their last use instead of linking those phones again.
    """
    from gateway.backup.command import restore as bring_back

    _demand_no_option(file)
    settings, _ = read_settings(config)
    secret = read_secret(key_file, fallback=settings.backup.key_file, is_new=False)
    done = run_to_end(lambda: bring_back(settings, file=file, into=into, secret=secret, force_sessions=force_sessions))
    sys.stdout.write(f"Restored what was backed up at {done.about.made_at:%Y-%m-%d %H:%M:%S} UTC.\n")
    if done.unlinked:
        sys.stdout.write(f"Phones that must be linked again, since their keys moved on: {done.unlinked}.\n")
    if done.paused:
        sys.stdout.write(
            f"Queues that are paused, since what waits there may have been sent: {done.paused}. Look, then resume them.\n"
        )


def _demand_no_option(file: Path | None) -> None:
    """A misspelt option must not become the name of a file."""
    if file is not None and str(file).startswith("-") and str(file) != "-":
        fail(f"{file}: there is no such option; a file of this name is written ./{file}", ExitCode.USAGE)
