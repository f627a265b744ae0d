"""Drafts the next migration from what the models say: ``python -m gateway.db.draft 0002 "what it does"``.

With ``--replace`` a step that was never released is drafted anew. Format the result with ruff.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import Script
from sqlalchemy import Connection

from gateway.db.migrate import FOLDER, make_config, on_connection, upgrade_connection


def draft(revision: str, message: str) -> Path:
    """Write the step that leads from the present migrations to the models; a person reads it before it is kept."""

    def work(connection: Connection) -> Path:
        upgrade_connection(connection)
        script = command.revision(make_config(connection), message=message, rev_id=revision, autogenerate=True)
        assert isinstance(script, Script), "one revision was asked for"
        return Path(script.path)

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(on_connection(f"sqlite:///{folder}/scratch.db", work))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision", help="four digits, such as 0002")
    parser.add_argument("message", help="a few words")
    parser.add_argument("--replace", action="store_true", help="drop the step of this number first")
    arguments = parser.parse_args()
    if arguments.replace:
        for step in (FOLDER / "versions").glob(f"{arguments.revision}_*.py"):
            step.unlink()
    draft(arguments.revision, arguments.message)


if __name__ == "__main__":
    main()
