"""From a command to what the fake answers: a new area adds its own here."""

from __future__ import annotations

from sessions.commands.base import Done
from sessions.commands.every import AnyCommand, AnyResult
from sessions.fake import account, calls, channels, files, groups, linking, messages, people
from sessions.fake.parts import FakeSession
from sessions.fake.world import Answers, FakeWorld

ANSWERS: Answers = {
    **messages.ANSWERS,
    **files.ANSWERS,
    **people.ANSWERS,
    **groups.ANSWERS,
    **linking.ANSWERS,
    **account.ANSWERS,
    **channels.ANSWERS,
    **calls.ANSWERS,
}


def answer(world: FakeWorld, session: FakeSession, command: AnyCommand) -> AnyResult:
    """What the command gives back; those that only have to be asked for give nothing."""
    do = ANSWERS.get(type(command))
    return (do(world, session, command) if do is not None else None) or Done()
