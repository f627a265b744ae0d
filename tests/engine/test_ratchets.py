"""Steps of the ratchets that are taken back when a worker has ended, and those that never are."""

from __future__ import annotations

import fcntl
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sessions.keystore import KEY_STORE_NAME, LOCK_NAME
from sessions.ratchets import take_back


def state(*, key: str = "A1", sent: int = 0, received: int = 0) -> bytes:
    """A session as the engine stores it, as far as it matters here."""
    sending = {"SenderRatchetKeyPublic": key, "ChainKey": {"Key": "k", "Index": sent}}
    receiving = [{"SenderRatchetKeyPublic": "B1", "ChainKey": {"Key": "k", "Index": received}}]
    return json.dumps({"SessionState": {"SenderChain": sending, "ReceiverChains": receiving}}).encode()


class KeyStore:
    """The one table of the engine's that is about ratchets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / LOCK_NAME).touch()
        with self._open() as store:
            store.execute(
                "CREATE TABLE whatsmeow_sessions (our_jid TEXT, their_id TEXT, session bytea, "
                "PRIMARY KEY (our_jid, their_id))"
            )
            store.execute("CREATE TABLE whatsmeow_pre_keys (jid TEXT, key_id INTEGER, key bytea, uploaded BOOLEAN)")
            store.execute("INSERT INTO whatsmeow_pre_keys VALUES ('me', 7, x'77', 1)")

    def put(self, session: bytes, their_id: str = "ben") -> None:
        """As the engine does it."""
        with self._open() as store:
            store.execute(
                "INSERT INTO whatsmeow_sessions (our_jid, their_id, session) VALUES ('me', ?, ?) "
                "ON CONFLICT (our_jid, their_id) DO UPDATE SET session = excluded.session",
                (their_id, session),
            )

    def get(self, their_id: str = "ben") -> bytes | None:
        with self._open() as store:
            row = store.execute("SELECT session FROM whatsmeow_sessions WHERE their_id = ?", (their_id,)).fetchone()
            return None if row is None else bytes(row[0])

    def use_up_the_one_time_key(self) -> None:
        with self._open() as store:
            store.execute("DELETE FROM whatsmeow_pre_keys WHERE key_id = 7")

    @property
    def one_time_keys(self) -> list[tuple[object, ...]]:
        with self._open() as store:
            return list(store.execute("SELECT * FROM whatsmeow_pre_keys"))

    def _open(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(self.folder / KEY_STORE_NAME, isolation_level=None))


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    """A key store whose steps are kept from now on."""
    store = KeyStore(tmp_path)
    store.put(state(received=3, sent=2))
    assert take_back(tmp_path) == 0
    return store


def test_the_last_message_received_can_be_received_again(keys: KeyStore) -> None:
    keys.put(state(received=4, sent=2))

    assert take_back(keys.folder) == 1
    assert keys.get() == state(received=3, sent=2)
    assert take_back(keys.folder) == 0, "a step is taken back once"


def test_a_key_that_a_message_was_sent_with_is_never_used_again(keys: KeyStore) -> None:
    keys.put(state(received=4, sent=2))
    keys.put(state(received=4, sent=3))

    assert take_back(keys.folder) == 0
    assert keys.get() == state(received=4, sent=3)


def test_all_that_was_received_in_a_row_can_be_received_again(keys: KeyStore) -> None:
    keys.put(state(received=4, sent=2))
    keys.put(state(received=4, sent=3))
    for received in (5, 6, 7):
        keys.put(state(received=received, sent=3))

    assert take_back(keys.folder) == 1
    assert keys.get() == state(received=4, sent=3)


def test_a_stranger_who_wrote_more_than_once_can_be_met_again(keys: KeyStore) -> None:
    keys.put(state(received=1), "stranger")
    keys.put(state(received=2), "stranger")

    assert take_back(keys.folder) == 1
    assert keys.get("stranger") is None


def test_a_new_key_that_nothing_was_sent_with_is_made_again(keys: KeyStore) -> None:
    keys.put(state(key="A2", received=0, sent=0))

    assert take_back(keys.folder) == 1
    assert keys.get() == state(received=3, sent=2)


def test_a_new_key_that_something_was_sent_with_stays(keys: KeyStore) -> None:
    keys.put(state(key="A2", received=0, sent=1))

    assert take_back(keys.folder) == 0


def test_the_first_message_of_a_stranger_can_be_received_again(keys: KeyStore) -> None:
    keys.put(state(received=1), "stranger")
    keys.put(state(sent=1), "somebody we wrote to")

    assert take_back(keys.folder) == 1
    assert keys.get("stranger") is None
    assert keys.get("somebody we wrote to") == state(sent=1)


def test_with_the_first_message_of_a_stranger_goes_the_one_time_key_that_it_used_up(keys: KeyStore) -> None:
    keys.put(state(received=1), "stranger")
    keys.use_up_the_one_time_key()

    take_back(keys.folder)

    assert keys.one_time_keys == [("me", 7, b"w", 1)]


def test_only_the_last_steps_are_kept_and_each_sender_goes_back_by_one(keys: KeyStore) -> None:
    for number in range(40):
        keys.put(state(received=0), f"friend {number}")
    for number in range(40):
        keys.put(state(received=1), f"friend {number}")

    assert take_back(keys.folder) == 16
    assert keys.get("friend 39") == state(received=0)
    assert keys.get("friend 0") == state(received=1)


@pytest.mark.parametrize("unreadable", [b"", b"\x0a\x03abc", b"{}", b'{"SessionState": null}', b'{"SessionState": 7}'])
def test_a_state_that_cannot_be_read_stays(keys: KeyStore, unreadable: bytes) -> None:
    keys.put(unreadable)

    assert take_back(keys.folder) == 0
    assert keys.get() == unreadable


def test_nothing_is_touched_while_a_worker_holds_the_folder(keys: KeyStore) -> None:
    keys.put(state(received=4, sent=2))
    with (keys.folder / LOCK_NAME).open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert take_back(keys.folder) == 0

    assert keys.get() == state(received=4, sent=2)
    assert take_back(keys.folder) == 1


def test_a_folder_that_was_never_used_is_left_alone(tmp_path: Path) -> None:
    assert take_back(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []
