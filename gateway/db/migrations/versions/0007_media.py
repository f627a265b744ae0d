"""Schema step: when files were last used, and which messages have them."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from gateway.db.types import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_HAS_FILE = sa.text("media_id IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("media", schema=None) as batch_op:
        batch_op.add_column(sa.Column("used_at", UtcDateTime(), nullable=True))
    # What is there already counts as used today: nothing is cleared away in the first weeks.
    media = sa.table("media", sa.column("used_at", UtcDateTime()))
    op.execute(media.update().values(used_at=datetime.now(UTC)))
    with op.batch_alter_table("media", schema=None) as batch_op:
        batch_op.alter_column("used_at", existing_type=UtcDateTime(), nullable=False)
        batch_op.create_index("ix_media_org_id_size", ["org_id", "size"], unique=False)
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(
            "ix_messages_media_id", ["media_id"], unique=False, sqlite_where=_HAS_FILE, postgresql_where=_HAS_FILE
        )
        batch_op.create_index(
            "ix_messages_session_id_media_id",
            ["session_id", "media_id"],
            unique=False,
            sqlite_where=_HAS_FILE,
            postgresql_where=_HAS_FILE,
        )
