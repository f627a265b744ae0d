"""Schema step: proxies of sessions, and what their owners want to hear with every event."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.types import JsonType

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("proxy", sa.LargeBinary(), nullable=True))
    op.add_column("events", sa.Column("metadata", JsonType, nullable=True))
