"""Webhooks, streams, files, and who may ask."""

from __future__ import annotations

from typing import Final

from gateway.capabilities.row import Section, can, cannot
from sessions.capabilities import Capability

_API: Final = "tests/webhooks/test_api.py::"
_OUT: Final = "tests/webhooks/test_delivering.py::"
_FILES: Final = "tests/media/test_library.py::"

NEWS: Final = Section(
    title="Webhooks and events",
    rows=(
        can(
            "Several webhooks, with filters",
            f"{_OUT}test_only_what_was_subscribed_to_is_sent",
            f"{_API}test_a_session_filter_lets_only_that_sessions_events_through",
            ops="webhooks.create webhooks.list webhooks.read webhooks.update webhooks.delete",
        ),
        can(
            "Signatures, and secrets that are exchanged",
            f"{_API}test_after_a_rotation_both_secrets_pass_for_a_day",
            ops="webhooks.rotate_secret",
        ),
        can("Headers of one's own", f"{_API}test_custom_headers_are_sent_but_never_shown"),
        can(
            "Retries, also over a restart",
            f"{_OUT}test_a_failing_endpoint_is_tried_ten_times_on_the_schedule_under_the_same_id",
            f"{_OUT}test_what_could_not_be_delivered_before_a_stop_is_delivered_after_the_start",
        ),
        can(
            "List of what failed, and once more",
            f"{_API}test_a_dead_delivery_is_listed_and_arrives_when_asked_for_again",
            ops="webhooks.deliveries webhooks.all_deliveries webhooks.read_delivery webhooks.redeliver",
        ),
        can("Order in each chat", f"{_OUT}test_events_of_one_chat_arrive_in_order_and_never_overlap"),
        can("Replay", f"{_API}test_a_replay_tells_what_never_arrived", ops="webhooks.replay"),
        can("Test", f"{_API}test_a_test_reaches_this_endpoint_only_and_shows_what_came_of_it", ops="webhooks.test"),
        can(
            "No way into your network",
            "tests/webhooks/test_hostile_receivers.py::test_a_name_that_leads_inside_is_not_followed",
        ),
        can(
            "Server-sent events, WebSocket, log",
            "tests/events/test_stream.py::test_a_stream_resumes_after_the_last_event_without_a_gap",
            "tests/events/test_socket.py::test_it_resumes_after_the_last_event_without_gap_or_double",
            ops="events.stream events.socket events.ticket",
        ),
        can(
            "Pull and acknowledge",
            "tests/events/test_consumers.py::test_events_come_in_order_and_go_on_after_what_was_acknowledged",
            ops="consumers.* events.pull events.ack",
        ),
        cannot("RabbitMQ, NATS, SQS, Kafka", "Not part of the gateway: a consumer that pulls can feed any of them."),
    ),
)

MEDIA: Final = Section(
    title="Media",
    rows=(
        can(
            "Kept on disk, the same bytes once",
            f"{_FILES}test_the_same_bytes_are_kept_once",
            ops="media.upload media.read media.download media.thumbnail media.delete",
        ),
        can(
            "What arrives is fetched, and again later",
            "tests/journeys/test_messages.py::test_files_that_arrive_are_fetched_byte_for_byte",
            "tests/messages/test_arriving.py::test_a_download_that_fails_for_now_is_tried_again",
            ops="messages.fetch_media",
        ),
        cannot("Ask the phone for files that have expired", Capability.MEDIA_RETRY),
        can("Type by content, limits", f"{_FILES}test_a_file_that_is_not_what_it_claims_is_refused"),
        can(
            "Hostile files refused or kept inert",
            "tests/media/test_hostile.py::test_a_hostile_file_is_refused_with_a_code_or_inert",
        ),
        can(
            "Voice notes converted",
            f"{_FILES}test_other_sound_becomes_a_voice_note",
            "tests/media/test_sound.py::test_sound_becomes_a_voice_note_without_ffmpeg",
        ),
        can(
            "S3-compatible store",
            "tests/media/test_bucket.py::test_a_file_is_kept_in_the_bucket_and_comes_back_byte_for_byte",
        ),
        can(
            "Signed links that expire",
            "tests/journeys/test_media.py::test_a_link_gives_the_file_without_a_key_until_it_is_deleted",
            "tests/messages/test_files.py::test_a_link_works_without_a_key_and_by_range",
            ops="media.link media.linked",
        ),
        can(
            "Retention and quota, of all files and per session",
            "tests/messages/test_files.py::test_a_file_that_has_expired_can_be_fetched_again",
            "tests/journeys/test_media.py::test_what_arrives_beyond_the_room_of_its_session_is_told_and_fetched_when_there_is_room",
            ops="media.usage",
        ),
    ),
)

ACCESS: Final = Section(
    title="Who may ask",
    rows=(
        can(
            "API keys with scopes, for some sessions",
            "tests/messages/test_http.py::test_a_key_for_one_session_sees_nothing_of_another",
            ops="api_keys.*",
        ),
        can(
            "People sign in",
            "tests/journeys/test_pairing_page.py::test_two_pages_alone_lead_from_the_qr_code_to_a_chat",
            ops="auth.*",
        ),
        can(
            "Health and metrics",
            "tests/journeys/test_survival.py::test_a_killed_gateway_comes_back_whole_with_every_message_once",
            ops="health.*",
        ),
    ),
)
