"""What becomes of messages when the file that they carry is deleted."""

from __future__ import annotations

from gateway.db.tx import Tx
from gateway.kit.errors import ConflictError
from gateway.messages import media_store


def let_go_of_file(tx: Tx, *, org_id: int, media_id: int) -> None:
    """Have no message refer to a file any more; raises ConflictError where one has yet to be sent with it."""
    if media_store.is_needed(tx, org_id=org_id, media_id=media_id):
        raise ConflictError("A message that has yet to be sent needs this file.", code="media_in_use")
    media_store.note_gone(tx, org_id=org_id, media_id=media_id, error="media_deleted")
