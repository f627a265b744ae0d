"""Schema step: which messages carry a file is found without going through all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    has_file = sa.text("media_id IS NOT NULL")
    op.create_index("ix_messages_media_id", "messages", ["media_id"], sqlite_where=has_file, postgresql_where=has_file)


def downgrade() -> None:
    op.drop_index("ix_messages_media_id", table_name="messages")
