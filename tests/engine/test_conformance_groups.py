"""What every engine does with groups, the one in memory as well as the real one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessions.address import Address, Jid
from sessions.commands import groups as say
from sessions.errors import InvalidRequestError, RecipientUnknownError, RefusedError
from sessions.events import GroupChanged, GroupJoined
from sessions.groups import MemberAction, Role
from sessions.protocol import SessionSpec
from tests.engine.worlds import RealWorld, World, link, spec_for

pytestmark = pytest.mark.long

JPEG = b"\xff\xd8\xff\xe0" + bytes(64) + b"\xff\xd9"
NOBODY = "+15559990000"


def person(number: str) -> Address:
    return Address.of(Jid.from_phone(number))


class Bench:
    """Two linked sessions and one phone that has none."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.first, self.second = spec_for(folder, "ses_1"), spec_for(folder, "ses_2")
        self.ana = self.ben = self.cara = ""

    async def prepare(self) -> None:
        self.ana, self.ben, self.cara = [await self.world.phone(name) for name in ("Ana", "Ben", "Cara")]
        await link(self.world, self.first, self.ana)
        await link(self.world, self.second, self.ben)

    async def ask(self, spec: SessionSpec, command: Any) -> Any:
        return await self.world.engine.call(spec.session_id, command, timeout_seconds=20)

    async def create(self, *members: str, **more: Any) -> Any:
        people = tuple(person(member) for member in members)
        return (await self.ask(self.first, say.CreateGroup(subject="Bread", members=people, **more))).group

    def picture_of(self, group: Address) -> bytes | str:
        """What WhatsApp keeps as the picture; nothing where there is none."""
        if isinstance(self.world, RealWorld):
            return self.world.whatsapp.service.groups.find(group.primary).picture
        return self.world.engine.groups.get(group).picture

    async def look(self, spec: SessionSpec, group: Address) -> Any:
        return (await self.ask(spec, say.GetGroup(group=group))).group

    async def change(self, spec: SessionSpec, fits: Callable[[GroupChanged], Any]) -> GroupChanged:
        """A change of a group that this session is told of, now or later."""
        listener = self.world.listener

        def told() -> list[GroupChanged]:
            return [one for one in listener.events(GroupChanged, spec.session_id) if fits(one)]

        return (await listener.until(told))[0]

    async def joined(self, spec: SessionSpec, group: Address) -> GroupJoined:
        listener = self.world.listener

        def told() -> list[GroupJoined]:
            return [one for one in listener.events(GroupJoined, spec.session_id) if one.group.group == group]

        return (await listener.until(told))[0]


@pytest.fixture
async def bench(world: World, tmp_path: Path) -> Bench:
    bench = Bench(world, tmp_path)
    await bench.prepare()
    return bench


async def test_a_new_group_has_its_members_under_both_names_and_all_are_told(bench: Bench) -> None:
    made = await bench.create(bench.ben, bench.cara, NOBODY)

    roles = {member.who.phone: member.role for member in made.members}
    assert roles == {bench.ana: Role.CREATOR, bench.ben: Role.MEMBER, bench.cara: Role.MEMBER}
    assert all(member.who.lid for member in made.members)
    assert (made.subject, made.owner.phone, made.announce, made.ephemeral_seconds) == ("Bread", bench.ana, False, 0)
    told = await bench.joined(bench.second, made.group)
    assert told.actor.phone == bench.ana
    assert {member.who.phone for member in told.group.members} == {bench.ana, bench.ben, bench.cara}
    assert (await bench.joined(bench.first, made.group)).group.subject == "Bread"
    listed = await bench.ask(bench.second, say.ListGroups())
    assert [one.group for one in listed.groups] == [made.group]


async def test_what_is_changed_is_so_and_is_told(bench: Bench) -> None:
    group = (await bench.create(bench.ben)).group
    wanted: dict[str, Any] = {
        "subject": "Bread and butter",
        "description": "Every day",
        "announce": True,
        "locked": True,
        "ephemeral_seconds": 604_800,
    }

    await bench.ask(bench.first, say.ChangeGroup(group=group, **wanted))

    seen = await bench.look(bench.second, group)
    for name, value in wanted.items():
        assert getattr(seen, name) == value
        told = await bench.change(bench.second, lambda one, n=name: getattr(one, n) is not None)
        assert getattr(told, name) == value
        assert told.group == group
        assert told.actor is not None


async def test_what_was_switched_on_can_be_switched_off_and_a_description_removed(bench: Bench) -> None:
    group = (await bench.create(bench.ben)).group
    on: dict[str, Any] = {"description": "Every day", "announce": True, "locked": True, "ephemeral_seconds": 86_400}
    await bench.ask(bench.first, say.ChangeGroup(group=group, **on))

    off: dict[str, Any] = {"description": "", "announce": False, "locked": False, "ephemeral_seconds": 0}
    await bench.ask(bench.first, say.ChangeGroup(group=group, **off))

    for name, value in off.items():
        await bench.change(bench.second, lambda one, n=name, v=value: getattr(one, n) == v)
        assert getattr(await bench.look(bench.second, group), name) == value


async def test_each_person_has_an_outcome_and_members_are_told(bench: Bench) -> None:
    group = (await bench.create(bench.ben)).group

    async def change(action: MemberAction, *numbers: str) -> dict[str | None, int]:
        people = tuple(person(number) for number in numbers)
        changed = await bench.ask(bench.first, say.ChangeMembers(group=group, action=action, members=people))
        return {one.who.phone: one.code for one in changed.outcomes}

    assert await change(MemberAction.ADD, bench.cara, bench.ben, NOBODY) == {
        bench.cara: 200,
        bench.ben: 409,
        NOBODY: 404,
    }
    assert await change(MemberAction.PROMOTE, bench.ben) == {bench.ben: 200}
    assert {one.role for one in (await bench.look(bench.second, group)).members} == {*Role}
    assert await change(MemberAction.DEMOTE, bench.ben) == {bench.ben: 200}
    assert await change(MemberAction.REMOVE, bench.cara, NOBODY) == {bench.cara: 200, NOBODY: 404}

    assert len((await bench.change(bench.second, lambda one: one.joined)).joined) == 1
    assert len((await bench.change(bench.second, lambda one: one.promoted)).promoted) == 1
    assert len((await bench.change(bench.second, lambda one: one.demoted)).demoted) == 1
    assert len((await bench.change(bench.second, lambda one: one.left)).left) == 1


async def test_who_is_removed_is_told_and_may_not_look_any_more(bench: Bench) -> None:
    group = (await bench.create(bench.ben)).group

    removal = say.ChangeMembers(group=group, action=MemberAction.REMOVE, members=(person(bench.ben),))
    await bench.ask(bench.first, removal)

    await bench.change(bench.second, lambda one: one.left)
    with pytest.raises(InvalidRequestError):
        await bench.look(bench.second, group)


async def test_a_member_who_is_no_admin_may_not_govern(bench: Bench) -> None:
    group = (await bench.create(bench.ben)).group

    with pytest.raises(RefusedError):
        await bench.ask(bench.second, say.ChangeGroup(group=group, announce=True))
    people = (person(bench.cara),)
    with pytest.raises(RefusedError):
        await bench.ask(bench.second, say.ChangeMembers(group=group, action=MemberAction.REMOVE, members=people))
    with pytest.raises(RefusedError):
        await bench.ask(bench.second, say.GetInviteLink(group=group))


async def test_an_invite_link_is_shown_followed_and_renewed(bench: Bench) -> None:
    group = (await bench.create()).group
    link_found = (await bench.ask(bench.first, say.GetInviteLink(group=group))).link

    seen = (await bench.ask(bench.second, say.InspectInvite(code=link_found))).group
    followed = await bench.ask(bench.second, say.FollowInvite(code=link_found))
    renewed = (await bench.ask(bench.first, say.GetInviteLink(group=group, renew=True))).link

    assert link_found.startswith("https://chat.whatsapp.com/")
    assert (seen.group, seen.subject) == (group, "Bread")
    assert followed.group == group
    assert {member.who.phone for member in followed.joined.members} == {bench.ana, bench.ben}
    assert (await bench.joined(bench.second, group)).reason == "invite"
    await bench.change(bench.first, lambda one: one.joined)
    assert renewed != link_found
    assert (await bench.change(bench.second, lambda one: one.invite_link)).invite_link == renewed
    with pytest.raises(InvalidRequestError):
        await bench.ask(bench.second, say.InspectInvite(code=link_found))


async def test_who_leaves_is_gone_and_the_others_hear_of_it(bench: Bench) -> None:
    group = (await bench.create(bench.ben)).group

    await bench.ask(bench.second, say.LeaveGroup(group=group))

    await bench.change(bench.first, lambda one: one.left)
    assert [one.who.phone for one in (await bench.look(bench.first, group)).members] == [bench.ana]
    assert (await bench.ask(bench.second, say.ListGroups())).groups == ()


async def test_groups_are_put_into_a_community_and_taken_out(bench: Bench) -> None:
    community = await bench.create(is_community=True)
    group = (await bench.create(bench.ben)).group

    await bench.ask(bench.first, say.LinkGroup(community=community.group, group=group))
    listed = (await bench.ask(bench.first, say.ListSubGroups(community=community.group))).groups
    inside = await bench.look(bench.first, group)
    await bench.ask(bench.first, say.UnlinkGroup(community=community.group, group=group))

    assert community.is_community
    assert inside.community == community.group
    assert {one.group: one.is_announcements for one in listed}[group] is False
    assert [one.is_announcements for one in listed].count(True) == 1
    assert (await bench.change(bench.second, lambda one: one.community)).community == community.group
    assert (await bench.change(bench.first, lambda one: one.linked)).linked == group
    assert (await bench.change(bench.second, lambda one: one.left_community)).left_community == community.group
    assert (await bench.look(bench.first, group)).community is None


async def test_what_no_engine_should_be_asked_is_refused_before_it_is(bench: Bench) -> None:
    group = (await bench.create()).group

    for command in (
        say.GetGroup(group=person(bench.ben)),
        say.ChangeGroup(group=group, subject="\n"),
        say.ChangeGroup(group=group, subject="x" * 101),
        say.ChangeGroup(group=group, description="a\0b"),
        say.ChangeGroup(group=group, ephemeral_seconds=5),
        say.ChangeMembers(group=group, action=MemberAction.ADD, members=()),
        say.SetGroupPicture(group=group, jpeg=b"GIF89a"),
        say.InspectInvite(code="not a link"),
    ):
        if isinstance(bench.world, RealWorld):  # the one in memory has no process to lose
            with pytest.raises(InvalidRequestError):
                await bench.ask(bench.first, command)
    with pytest.raises((RecipientUnknownError, InvalidRequestError)):
        await bench.look(bench.first, Address.of(Jid("120363999999999999", "g.us")))


async def test_a_picture_is_set(bench: Bench) -> None:
    group = (await bench.create(bench.ben)).group

    await bench.ask(bench.first, say.SetGroupPicture(group=group, jpeg=JPEG))

    assert bench.picture_of(group)
