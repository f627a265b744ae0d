"""Groups, communities, channels and labels."""

from __future__ import annotations

from typing import Final

from gateway.capabilities.row import Section, can, cannot
from sessions.capabilities import Capability

_TOLD: Final = "tests/journeys/test_groups.py::"
_SLICE: Final = "tests/groups/test_groups.py::"
_ENGINE: Final = "tests/engine/test_conformance_groups.py::"
_CHANNEL: Final = "tests/journeys/test_account.py::test_a_channel_from_opening_to_leaving"
_UNSAID: Final = f"{_SLICE}test_what_the_engine_cannot_change_is_said_with_a_sentence"

GATHERINGS: Final = Section(
    title="Groups, communities, channels, labels",
    rows=(
        can(
            "Create, list, read",
            f"{_TOLD}test_a_group_is_made_written_in_and_answered",
            ops="groups.create groups.list groups.read",
        ),
        can("Leave", f"{_ENGINE}test_who_leaves_is_gone_and_the_others_hear_of_it", ops="groups.leave"),
        can(
            "Subject, description, who writes, who edits, timer",
            f"{_TOLD}test_what_the_program_changes_the_phones_see",
            ops="groups.update",
        ),
        can("Set the picture", f"{_ENGINE}test_a_picture_is_set", ops="groups.set_picture"),
        cannot("Remove the picture", Capability.GROUPS_PICTURE_REMOVE, _UNSAID, ops="groups.remove_picture"),
        can(
            "Add, remove, promote, demote",
            f"{_ENGINE}test_each_person_has_an_outcome_and_members_are_told",
            ops="groups.change_participants",
        ),
        cannot("Who may add members", Capability.GROUPS_ADD_MODE, _UNSAID),
        cannot("Whether admins let people in", Capability.GROUPS_APPROVAL, _UNSAID),
        can(
            "List who asks to join",
            "tests/engine/test_group_messages.py::test_admins_hear_who_asks_to_join_and_see_the_list",
            ops="groups.join_requests",
        ),
        cannot(
            "Answer those who ask to join",
            Capability.GROUPS_REQUESTS,
            f"{_TOLD}test_communities_pictures_tables_and_requests",
            ops="groups.answer_join_requests",
        ),
        can(
            "Invite link: show, renew, look at, follow",
            f"{_TOLD}test_links_lead_into_groups_until_they_are_renewed",
            ops="groups.invite groups.revoke_invite groups.inspect_invite groups.join",
        ),
        can(
            "Invite who cannot be added",
            "tests/engine/test_group_messages.py::test_somebody_who_will_not_be_added_can_be_invited",
        ),
        can("News of every change", f"{_TOLD}test_what_phones_change_the_program_hears"),
        can(
            "Members as a table (CSV)",
            f"{_SLICE}test_the_table_of_members_runs_nothing_in_a_spreadsheet",
            ops="groups.export",
        ),
        can(
            "Communities: create, link, unlink, list",
            f"{_ENGINE}test_groups_are_put_into_a_community_and_taken_out",
            ops="groups.link groups.unlink groups.sub_groups",
        ),
        can(
            "Channels: create, list, follow, mute, leave, read, react",
            _CHANNEL,
            "tests/engine/test_account.py::test_a_channel_is_opened_followed_muted_and_left",
            "tests/engine/test_account.py::test_posts_are_read_and_reacted_to",
            ops="channels.*",
        ),
        cannot("Publish files in a channel", Capability.CHANNEL_MEDIA),
        cannot("Delete a channel, search for channels", "The engine has no call for it."),
        cannot("Labels", Capability.LABELS),
    ),
)
