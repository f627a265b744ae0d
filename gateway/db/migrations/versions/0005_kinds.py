"""Schema step: answers, pins and timers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.types import JsonType, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "message_answers",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("author_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("options", JsonType, nullable=False),
        sa.Column("guests", sa.SmallInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_answers_message_id_messages"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["orgs.id"], name=op.f("fk_message_answers_org_id_orgs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", "author_id", name=op.f("pk_message_answers")),
    )
    op.create_table(
        "album_parts",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("album_id", sa.BigInteger(), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["album_id"], ["messages.id"], name=op.f("fk_album_parts_album_id_messages"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_album_parts_message_id_messages"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_album_parts_org_id_orgs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_album_parts")),
    )
    op.create_index(op.f("ix_album_parts_album_id"), "album_parts", ["album_id"], unique=False)
    op.create_table(
        "message_pins",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_pins_message_id_messages"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_message_pins_org_id_orgs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_message_pins")),
    )
    op.create_table(
        "chat_timers",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("org_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["chat_id"], ["chats.id"], name=op.f("fk_chat_timers_chat_id_chats"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_chat_timers_org_id_orgs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("chat_id", name=op.f("pk_chat_timers")),
    )

    is_menu = sa.text("type = 'menu'")
    op.create_index("ix_messages_menus", "messages", ["chat_id", "id"], sqlite_where=is_menu, postgresql_where=is_menu)


def downgrade() -> None:
    op.drop_index("ix_messages_menus", table_name="messages")
    op.drop_table("chat_timers")
    op.drop_table("message_pins")
    op.drop_table("album_parts")
    op.drop_table("message_answers")
