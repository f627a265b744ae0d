"""What arrives, and what can be asked of chats and their past."""

from __future__ import annotations

from typing import Final

from gateway.capabilities.row import Section, can, cannot
from sessions.capabilities import Capability

_TOLD: Final = "tests/journeys/test_messages.py::"
_KINDS: Final = "tests/messages/test_kinds.py::"
_ENGINE: Final = "tests/engine/test_kinds.py::"
_PAST: Final = "tests/messages/test_history_real.py::"
_SEARCH: Final = "tests/search/test_search.py::"

RECEIVING: Final = Section(
    title="Receiving, chats, history, search",
    rows=(
        can("One shape for each kind of message", f"{_ENGINE}test_what_is_sent_by_phones_is_read_as_its_kind"),
        can("Unknown kinds kept raw", f"{_ENGINE}test_what_nobody_here_knows_is_kept_as_it_came", kinds="unsupported"),
        can("Edits, deletions", f"{_TOLD}test_what_the_sender_edits_and_deletes_changes_here_too"),
        can("Reactions", f"{_TOLD}test_a_reaction_goes_both_ways"),
        can("Votes with running results", f"{_ENGINE}test_polls_and_votes_both_ways"),
        can(
            "Messages that wait to be readable, and their recovery",
            f"{_KINDS}test_a_message_that_cannot_be_read_is_told_and_told_again_when_it_can",
            "tests/engine/test_group_messages.py::test_the_session_asks_again_for_what_it_cannot_read",
        ),
        can("What is typed on the phone", f"{_TOLD}test_what_the_owner_writes_on_the_phone_is_filed_as_sent"),
        can(
            "Receipts: delivered, read, played",
            f"{_TOLD}test_a_voice_note_that_is_listened_to_is_played",
            f"{_TOLD}test_a_receipt_that_comes_late_moves_nothing_back",
        ),
        can(
            "Receipts of each member of a group",
            "tests/engine/test_group_messages.py::test_a_message_reaches_every_member_and_each_of_them_says_so",
            "tests/journeys/test_groups.py::test_a_group_is_made_written_in_and_answered",
            ops="messages.events",
        ),
        can(
            "List of chats with what is unread and what was said last",
            "tests/contacts/test_editing.py::test_chats_are_listed_with_what_was_said_last_and_narrowed",
            "tests/journeys/test_people.py::test_the_list_of_chats_shows_who_waits_and_what_was_said_last",
            ops="chats.list chats.read",
        ),
        can(
            "Messages by page, date and filter",
            f"{_TOLD}test_lists_are_walked_page_by_page_without_a_gap",
            "tests/messages/test_chat_history.py::test_dates_narrow_it",
            ops="messages.list messages.read chats.messages",
        ),
        can(
            "Search in full text, accents folded",
            f"{_SEARCH}test_words_are_found_with_and_without_accents",
            ops="messages.search search.query",
        ),
        can(
            "Mark as read",
            f"{_TOLD}test_a_chat_marked_as_read_is_read_on_the_senders_phone_too",
            ops="chats.mark_read",
        ),
        cannot("Mark as unread; archive, pin, mute, delete a chat", Capability.APP_STATE_WRITE),
        can(
            "History after linking, with progress", f"{_PAST}test_all_of_the_past_is_filed_once_read_and_fetched_later"
        ),
        cannot("Older history on demand", Capability.HISTORY_ON_DEMAND),
        can(
            "Messages outlive a restart",
            "tests/journeys/test_survival.py::test_a_killed_gateway_comes_back_whole_with_every_message_once",
        ),
        can(
            "Status updates of others",
            "tests/engine/test_statuses.py::test_the_statuses_of_others_name_their_authors",
            "tests/messages/test_statuses.py::test_a_status_of_a_contact_is_told_with_its_author",
            why="As messages of the status chat; a session can ignore them.",
        ),
    ),
)
