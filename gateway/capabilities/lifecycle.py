"""Sessions: linking phones and keeping them linked."""

from __future__ import annotations

from typing import Final

from gateway.capabilities.row import Section, can, cannot
from sessions.capabilities import Capability

_ACCOUNT: Final = "tests/journeys/test_account.py::"
_SURVIVAL: Final = "tests/journeys/test_survival.py::"
_LIFE: Final = "tests/fleet/test_lifecycle.py::"
_PAIRING: Final = "tests/journeys/test_pairing_page.py::"
_ENGINE: Final = "tests/engine/test_conformance.py::"

SESSIONS: Final = Section(
    title="Sessions",
    rows=(
        can(
            "Create, list, read, change, delete",
            f"{_SURVIVAL}test_a_deleted_session_leaves_no_keys_and_no_linked_device",
            ops="sessions.create sessions.list sessions.read sessions.update sessions.delete",
        ),
        can(
            "Start, stop, restart",
            f"{_SURVIVAL}test_a_stopped_session_keeps_its_messages_until_it_is_started",
            f"{_LIFE}test_a_restarted_session_is_connected_again",
            ops="sessions.start sessions.stop sessions.restart",
        ),
        can(
            "Log out at WhatsApp",
            f"{_LIFE}test_logging_out_tells_whatsapp_and_deletes_the_keys",
            f"{_ENGINE}test_logged_out_here_it_needs_pairing",
            ops="sessions.logout",
        ),
        can(
            "QR code as picture, SVG, text or JSON",
            f"{_ENGINE}test_pairing_by_qr_code_ends_connected",
            "tests/journeys/test_bad_input.py::test_a_qr_code_comes_in_no_other_form",
            ops="sessions.qr",
        ),
        can("Pairing code", f"{_SURVIVAL}test_a_phone_is_linked_by_a_typed_code", ops="sessions.pair_code"),
        can(
            "A page for the customer, behind a link that ends",
            f"{_PAIRING}test_a_phone_scans_the_page_and_the_page_says_connected",
            ops="sessions.pairing_link sessions.pairing_link_revoke",
        ),
        cannot("Passkey step", Capability.PAIR_PASSKEY, f"{_SURVIVAL}test_a_passkey_is_explained"),
        can(
            "Linked sessions run again after a start",
            f"{_LIFE}test_linked_sessions_run_again_after_the_daemon_was_killed",
        ),
        can("Expected phone", f"{_SURVIVAL}test_another_phone_than_the_expected_one_is_turned_away"),
        can("Proxy of its own", f"{_ACCOUNT}test_a_session_goes_through_its_own_proxy"),
        can(
            "Device name and depth of history",
            "tests/messages/test_history_real.py::test_only_what_is_recent_comes_unless_more_is_asked_for",
        ),
        can("Metadata in every event", f"{_ACCOUNT}test_metadata_comes_back_with_every_event"),
        can("Ignore groups, status, channels, chats", f"{_ACCOUNT}test_ignored_chats_leave_no_trace"),
        can("Read messages by itself", f"{_ACCOUNT}test_messages_are_read_by_themselves"),
        can("Bans and other restrictions as a state", f"{_SURVIVAL}test_a_temporary_ban_says_until_when"),
        can(
            "Move a session to another gateway",
            "tests/journeys/test_moving.py::test_a_phone_moves_to_another_gateway_without_pairing_again",
        ),
        cannot("Picture of a browser window", "There is no browser: phones are linked over WhatsApp's own protocol."),
    ),
)
