"""The steps of a session: the pictures of the documentation show exactly the table."""

from __future__ import annotations

from sessions.status import NEEDS_A_PERSON, TRANSITIONS, SessionStatus
from tests.pictures import StatePicture, read_picture

PAGE = "session-states.md"
#: The page draws the four at once where it tells how a session ends.
UP = ("starting", "connecting", "connected", "reconnecting")


def test_the_pictures_show_exactly_the_table() -> None:
    drawn = arrows(read_picture(PAGE, number=0)) | arrows(read_picture(PAGE, number=1))
    # The page says so instead of drawing it.
    drawn |= {(status.value, "stopped") for status in SessionStatus if status is not SessionStatus.STOPPED}

    table = {(before.value, after.value) for before, following in TRANSITIONS.items() for after in following}

    assert drawn == table


def test_the_second_picture_shows_every_end_and_the_first_none() -> None:
    ends = {status.value for status in NEEDS_A_PERSON}

    assert not ends & set(read_picture(PAGE, number=0).steps)
    assert ends <= set(read_picture(PAGE, number=1).steps)
    assert read_picture(PAGE, number=0).beginnings == {"stopped"}


def arrows(picture: StatePicture) -> set[tuple[str, str]]:
    return {
        (one, after)
        for before, following in picture.steps.items()
        for after in following
        for one in (UP if before == "up" else (before,))
    }
