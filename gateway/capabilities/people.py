"""Contacts, numbers, profile, presence and calls."""

from __future__ import annotations

from typing import Final

from gateway.capabilities.row import Section, can, cannot
from sessions.capabilities import Capability

_ACCOUNT: Final = "tests/journeys/test_account.py::"
_CONTACTS: Final = "tests/contacts/test_editing.py::"
_ENGINE: Final = "tests/engine/test_account.py::"

PEOPLE: Final = Section(
    title="People, profile, presence, calls",
    rows=(
        can(
            "Contacts: list, read, rename, add, delete",
            f"{_CONTACTS}test_a_contact_is_added_found_by_every_name_and_changed",
            f"{_CONTACTS}test_a_deleted_contact_is_out_of_sight_and_can_be_restored",
            ops="contacts.list contacts.read contacts.update contacts.create contacts.delete contacts.restore",
        ),
        can(
            "One contact over number, LID and older addresses",
            "tests/journeys/test_messages.py::"
            "test_a_person_is_one_contact_and_one_chat_under_number_and_hidden_address",
            "tests/messages/test_arriving.py::test_a_person_seen_under_two_addresses_becomes_one_contact_with_one_chat",
        ),
        can(
            "Merge contacts, `contact.merged`",
            f"{_CONTACTS}test_merging_joins_chats_messages_and_names_and_the_old_id_goes_on_working",
            "tests/journeys/test_people.py::test_two_contacts_turn_out_to_be_one_person_when_whatsapp_names_both",
            ops="contacts.merge",
        ),
        can(
            "Consent: opt out, opt in, block",
            "tests/pacing/test_http.py::test_opting_out_and_in_leaves_evidence",
            "tests/pacing/test_http.py::test_a_contact_can_be_blocked_and_unblocked",
            ops="contacts.consents contacts.opt_in contacts.opt_out contacts.block contacts.unblock",
        ),
        can(
            "Which of many numbers are on WhatsApp",
            "tests/engine/test_conformance.py::test_numbers_are_checked",
            ops="contacts.check",
        ),
        can("LID of a number and back", f"{_ACCOUNT}test_both_names_of_people_are_found", ops="people.lid people.lids"),
        can(
            "Profile: name, about, picture",
            f"{_ACCOUNT}test_the_profile_is_seen_by_others_as_it_was_set",
            ops="sessions.profile_read sessions.profile_update sessions.profile_picture people.read",
        ),
        cannot(
            "Business profile",
            Capability.BUSINESS_PROFILE,
            "tests/profiles/test_http.py::test_what_the_engine_cannot_do_says_so_in_a_sentence",
            ops="sessions.business_profile",
        ),
        can(
            "Privacy settings",
            f"{_ACCOUNT}test_what_an_account_hides_others_do_not_see",
            ops="sessions.privacy_read sessions.privacy_update",
        ),
        can(
            "Blocked people, and news of them",
            f"{_ACCOUNT}test_people_are_blocked_here_and_on_the_phone",
            ops="blocklist.*",
        ),
        can(
            "Presence: show, follow",
            f"{_ACCOUNT}test_presence_of_somebody_is_told_while_it_is_asked_for",
            ops="presence.* chats.subscribe_presence",
        ),
        can("Show typing", "tests/journeys/test_messages.py::test_typing_shows_on_the_phone", ops="chats.typing"),
        can("Hear of typing", f"{_ACCOUNT}test_typing_of_somebody_is_told"),
        can(
            "News of pictures",
            f"{_ENGINE}test_changes_that_the_phone_makes_are_reported",
            "tests/profiles/test_http.py::test_what_other_devices_change_is_told",
        ),
        can("Decline calls, with a word", f"{_ACCOUNT}test_calls_are_declined_with_a_word"),
        can(
            "News of calls: offered, answered, declined, missed, ended",
            f"{_ACCOUNT}test_what_becomes_of_calls_is_told",
            ops="calls.list",
        ),
        can("Decline one call on request", f"{_ACCOUNT}test_a_call_is_declined_on_request", ops="calls.reject"),
        cannot("Answer or make calls", "The engine hears that somebody calls, but carries no sound."),
    ),
)
