"""What can go wrong with the store itself, apart from what a single statement says."""

from __future__ import annotations

from gateway.kit.errors import UnavailableError


class StoreBusyError(UnavailableError):
    """More work is waiting than the store takes."""

    default_code = "store_busy"
    title = "The store has too much to do just now"


class StoreClosedError(UnavailableError):
    """The store is closed or closing."""

    default_code = "store_closed"
    title = "The store is closed"


class StoreFailedError(UnavailableError):
    """The transaction could not be made durable; nothing of it is stored."""

    default_code = "store_failed"
    title = "The store could not keep this"


class StoreAwayError(UnavailableError):
    """The store's server cannot be reached. What was asked for may or may not be stored: ask again with the same key."""

    default_code = "store_unreachable"
    title = "The store cannot be reached"


class DatabaseUrlError(ValueError):
    """The address of the database cannot be used."""


class DatabaseTooNewError(RuntimeError):
    """The database was made by a newer wagate than this one."""


class StoreUnreachableError(RuntimeError):
    """The store cannot be opened; the text is one line for the operator."""
