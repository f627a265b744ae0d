"""Schema step: search over messages, names without accents, contacts that were deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.types import UtcDateTime
from gateway.kit.words import fold_names

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_HAS_WORDS = "({row}.body <> '' OR {row}.type = 'document')"
_CHANGED = " OR ".join(
    f"old.{column} {{differs}} new.{column}" for column in ("body", "chat_id", "contact_id", "content", "type")
)


def upgrade() -> None:
    op.add_column("contacts", sa.Column("folded", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("contacts", sa.Column("deleted_at", UtcDateTime(), nullable=True))
    op.add_column("chats", sa.Column("folded", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.create_index(
        "ix_chats_unread",
        "chats",
        ["org_id", "last_message_id"],
        sqlite_where=sa.text("unread > 0"),
        postgresql_where=sa.text("unread > 0"),
    )
    op.create_table(
        "search_backlog",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_backlog")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _search_on_sqlite()
    else:
        _search_on_postgres()
    _fold("contacts", "name", "push_name", "phone", "lid")
    _fold("chats", "title")
    op.execute(
        f"INSERT INTO search_backlog (message_id) SELECT id FROM messages WHERE {_HAS_WORDS.format(row='messages')}"
    )


def _search_on_sqlite() -> None:
    # The words come folded and split from us, so the tokenizer has nothing to do but to find the blanks.
    op.execute("CREATE VIRTUAL TABLE message_words USING fts5(marks, words, tokenize='ascii', prefix='3')")
    note = "BEGIN INSERT INTO search_backlog (message_id) VALUES ({row}.id); END"
    op.execute(
        "CREATE TRIGGER messages_added AFTER INSERT ON messages"
        f" WHEN {_HAS_WORDS.format(row='new')} {note.format(row='new')}"
    )
    op.execute(
        "CREATE TRIGGER messages_changed AFTER UPDATE OF body, chat_id, contact_id, content, type ON messages"
        f" WHEN {_CHANGED.format(differs='IS NOT')} {note.format(row='new')}"
    )
    op.execute(
        "CREATE TRIGGER messages_deleted AFTER DELETE ON messages"
        f" WHEN {_HAS_WORDS.format(row='old')} {note.format(row='old')}"
    )


def _search_on_postgres() -> None:
    op.execute(
        "CREATE TABLE message_words (message_id bigint PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,"
        " words tsvector NOT NULL)"
    )
    op.execute("CREATE INDEX ix_message_words_words ON message_words USING gin (words)")
    op.execute(
        "CREATE FUNCTION note_message_words() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO search_backlog (message_id) VALUES (new.id); RETURN NULL; END $$"
    )
    run = "FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION note_message_words()"
    op.execute(
        f"CREATE TRIGGER messages_added AFTER INSERT ON messages {run.format(when=_HAS_WORDS.format(row='new'))}"
    )
    op.execute(
        "CREATE TRIGGER messages_changed AFTER UPDATE OF body, chat_id, contact_id, content, type ON messages"
        f" {run.format(when=_CHANGED.format(differs='IS DISTINCT FROM'))}"
    )


def _fold(table: str, *columns: str) -> None:
    """Names of people and groups that are known already, a thousand at a time."""
    connection, last = op.get_bind(), 0
    select = sa.text(f"SELECT id, {', '.join(columns)} FROM {table} WHERE id > :last ORDER BY id LIMIT 1000")
    while rows := connection.execute(select, {"last": last}).fetchall():
        values = [{"row": row[0], "folded": fold_names(*row[1:])} for row in rows]
        connection.execute(sa.text(f"UPDATE {table} SET folded = :folded WHERE id = :row"), values)
        last = rows[-1][0]
