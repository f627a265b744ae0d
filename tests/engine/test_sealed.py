"""Votes and answers that only those can open who have what they are about."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.address import Address, Jid
from sessions.content import EventAnswer, Sealed
from sessions.sealed import Opener

SECRET = bytes(range(32))
AUTHOR = Address(pn=Jid("15550000001"), lid=Jid("900", "lid"))
VOTER = Address(pn=Jid("15550000002"), lid=Jid("901", "lid"))
OPTIONS = ("Monday", "Tuesday", "Wednesday")


def opener(author: Address = AUTHOR, wa_id: str = "3EB0AA", secret: bytes = SECRET) -> Opener:
    return Opener(secret=secret, wa_id=wa_id, author=author)


@pytest.mark.parametrize("chosen", [(), ("Tuesday",), ("Monday", "Wednesday")])
def test_a_vote_comes_out_as_it_went_in(chosen: tuple[str, ...]) -> None:
    sealed = opener().seal_vote(chosen, voter=VOTER)

    assert opener().open_vote(sealed, voter=VOTER, options=OPTIONS) == chosen


def test_people_are_known_under_either_name() -> None:
    only_number = opener(author=Address(pn=AUTHOR.pn)).seal_vote(("Monday",), voter=Address(pn=VOTER.pn))

    assert opener().open_vote(only_number, voter=VOTER, options=OPTIONS) == ("Monday",)


def test_a_vote_opens_for_nobody_else() -> None:
    sealed = opener().seal_vote(("Monday",), voter=VOTER)

    assert opener().open_vote(sealed, voter=AUTHOR, options=OPTIONS) is None
    assert opener(wa_id="3EB0AB").open_vote(sealed, voter=VOTER, options=OPTIONS) is None
    assert opener(secret=bytes(32)).open_vote(sealed, voter=VOTER, options=OPTIONS) is None
    assert opener().open_vote(msgspec.structs.replace(sealed, iv=b""), voter=VOTER, options=OPTIONS) is None


@pytest.mark.parametrize("answer", ["going", "not_going", "maybe"])
def test_an_answer_comes_out_as_it_went_in(answer: EventAnswer) -> None:
    sealed = opener().seal_reply(answer, guests=2, at=1_700_000_000.5, guest=VOTER)

    assert opener().open_reply(sealed, guest=VOTER) == (answer, 2)


def test_a_vote_is_no_answer_to_an_appointment() -> None:
    sealed = opener().seal_vote(("Monday",), voter=VOTER)

    assert opener().open_reply(sealed, guest=VOTER) is None


def test_options_that_the_poll_does_not_have_are_not_chosen() -> None:
    sealed = opener().seal_vote(("Sunday", "Monday"), voter=VOTER)

    assert opener().open_vote(sealed, voter=VOTER, options=OPTIONS) == ("Monday",)


@given(payload=st.binary(max_size=100), iv=st.binary(max_size=16))
def test_nothing_foreign_breaks_it(payload: bytes, iv: bytes) -> None:
    assert opener().open_vote(Sealed(payload=payload, iv=iv), voter=VOTER, options=OPTIONS) is None
