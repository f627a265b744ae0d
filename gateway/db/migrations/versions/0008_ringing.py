"""Schema step: calls that ring are found at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_RINGS = sa.text("state = 'ringing'")


def upgrade() -> None:
    op.create_index(
        "ix_calls_ringing", "calls", ["created_at"], unique=False, sqlite_where=_RINGS, postgresql_where=_RINGS
    )
