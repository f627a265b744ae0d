"""Says in one line why the store cannot be reached, whatever the driver says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gateway.db.errors import StoreUnreachableError


@contextmanager
def driver_errors_in_words() -> Iterator[None]:
    """Turn what the driver raises into StoreUnreachableError."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise StoreUnreachableError(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return str(cause).strip().partition("\n")[0]
