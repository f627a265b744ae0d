"""What can be sent."""

from __future__ import annotations

from typing import Final

from gateway.capabilities.row import Section, can, cannot
from sessions.capabilities import Capability

_TOLD: Final = "tests/journeys/test_messages.py::"
_KINDS: Final = "tests/messages/test_kinds.py::"
_ENGINE: Final = "tests/engine/test_kinds.py::"
_BATCH: Final = "tests/messages/test_batch.py::"
_PACE: Final = "tests/pacing/test_rules.py::"
_CLOUD: Final = "tests/journeys/test_cloud.py::"
_TIMES: Final = "tests/schedules/test_http.py::"

SENDING: Final = Section(
    title="Sending",
    rows=(
        can("Text", f"{_TOLD}test_a_text_arrives_letter_for_letter_both_ways", ops="messages.send", kinds="text"),
        can("Reply", f"{_TOLD}test_answers_quote_what_they_answer_both_ways"),
        can(
            "Mention people, mention everyone",
            f"{_TOLD}test_mentions_reach_the_phone_as_addresses",
            f"{_KINDS}test_everyone_can_be_mentioned",
        ),
        can(
            "Link preview",
            f"{_ENGINE}test_a_text_with_what_stands_around_it",
            f"{_KINDS}test_a_link_shows_its_page",
        ),
        can(
            "Picture, film, sound, document",
            f"{_TOLD}test_every_kind_of_file_reaches_the_phone_unharmed",
            kinds="image video audio document",
        ),
        can(
            "Voice note, converted where need be",
            f"{_TOLD}test_a_voice_note_that_is_listened_to_is_played",
            "tests/media/test_library.py::test_other_sound_becomes_a_voice_note",
        ),
        can("Video note, GIF", f"{_ENGINE}test_films_and_pictures_say_how_they_are_shown"),
        can(
            "Sticker from a picture",
            f"{_KINDS}test_a_picture_becomes_a_sticker",
            f"{_TOLD}test_every_kind_of_file_reaches_the_phone_unharmed",
            kinds="sticker",
        ),
        can("Moving sticker from a GIF", "tests/media/test_stickers.py::test_a_gif_becomes_a_sticker_that_moves"),
        can(
            "Album",
            f"{_KINDS}test_an_album_is_sent_with_its_pictures_in_order",
            f"{_ENGINE}test_places_menus_and_albums_are_shown",
            kinds="album",
        ),
        can(
            "View once",
            f"{_ENGINE}test_films_and_pictures_say_how_they_are_shown",
            f"{_ENGINE}test_what_is_sent_by_phones_is_read_as_its_kind",
            why="Pictures, films and voice notes. What others send to be seen once often comes without its file: linked devices get none.",
        ),
        can("Place", f"{_TOLD}test_a_place_arrives", kinds="location"),
        can(
            "Live location",
            f"{_KINDS}test_a_live_location_is_sent_and_arrives",
            f"{_ENGINE}test_places_menus_and_albums_are_shown",
            kinds="live_location",
        ),
        can(
            "Contact cards",
            "tests/journeys/test_people.py::test_a_card_reaches_the_phone_as_it_was_written",
            kinds="contacts",
        ),
        can("Poll, vote, results", f"{_ENGINE}test_polls_and_votes_both_ways", kinds="poll poll_vote"),
        can("Appointment and answer", f"{_ENGINE}test_appointments_and_answers_both_ways", kinds="event event_reply"),
        can(
            "Menu as numbered text, with its answer",
            f"{_ENGINE}test_places_menus_and_albums_are_shown",
            f"{_KINDS}test_the_answer_to_a_menu_is_told",
            kinds="menu",
        ),
        cannot(
            "Buttons and lists",
            "WhatsApp does not show buttons of linked devices reliably; `style: buttons` answers 501.",
            f"{_KINDS}test_buttons_are_refused_with_a_sentence",
        ),
        can("Reaction", f"{_TOLD}test_a_reaction_goes_both_ways", kinds="reaction"),
        can(
            "Edit, delete for everyone, pin, disappearing messages",
            f"{_ENGINE}test_pins_timers_edits_and_deletions_both_ways",
            kinds="edit revoke pin timer",
        ),
        cannot("Delete for me, star", Capability.APP_STATE_WRITE),
        can(
            "Forward",
            f"{_KINDS}test_a_stored_message_is_forwarded_with_its_file",
            "tests/journeys/test_people.py::test_a_picture_is_passed_on_and_says_that_it_was",
        ),
        can(
            "Status: text, picture, film, voice",
            "tests/engine/test_statuses.py::test_a_text_status_reaches_everybody_and_each_says_that_it_arrived",
            "tests/engine/test_statuses.py::test_files_are_shown_as_statuses",
            "tests/messages/test_statuses.py::test_a_text_and_a_picture_are_shown_to_others",
            why="Who sees it follows the phone's own status privacy.",
        ),
        can(
            "Publish a text in a channel of one's own",
            "tests/messages/test_channel_posts.py::test_a_text_is_published_in_a_channel_of_ones_own",
        ),
        cannot("Catalogue, products, orders", Capability.BUSINESS_PROFILE),
        cannot("Broadcast lists", "WhatsApp takes no broadcast lists from linked devices; send a batch instead."),
        can(
            "Typing before a message",
            "tests/messages/test_real_engine.py::test_the_other_side_sees_typing_before_the_message",
        ),
        can(
            "Idempotency-Key, own reference",
            "tests/journeys/test_bad_input.py::test_a_repeated_request_happens_once_and_another_one_under_its_key_is_refused",
        ),
        can("Media by URL", f"{_TOLD}test_a_file_is_fetched_from_a_url"),
        can("Media in base64", "tests/messages/test_http.py::test_a_document_in_base64_keeps_its_name"),
        can("Many at once", f"{_BATCH}test_a_thousand_messages_are_accepted_in_one_call", ops="messages.batch"),
        can(
            "At a later time",
            f"{_TOLD}test_a_scheduled_message_waits_and_can_be_called_back",
            ops="messages.cancel messages.update messages.send_now",
        ),
        can("Again and again", f"{_TIMES}test_a_schedule_is_made_read_listed_and_deleted", ops="schedules.*"),
        can(
            "A queue that survives kills and can be seen, paused, cleared",
            "tests/journeys/test_survival.py::test_a_killed_gateway_comes_back_whole_with_every_message_once",
            ops="queue.* messages.retry messages.retry_failed messages.resolve",
        ),
        can(
            "Pace, caps, quiet hours, warm-up",
            f"{_PACE}test_a_session_keeps_its_rate_and_replies_do_not_wait_for_it",
            ops="sessions.pace",
        ),
        can("The truth about each message", f"{_TOLD}test_a_text_goes_through_its_states_once_each_and_forward_only"),
        can(
            "The WhatsApp Cloud API's own requests and webhooks",
            f"{_CLOUD}test_a_conversation_goes_to_and_fro",
            f"{_CLOUD}test_pictures_go_both_ways",
            ops="cloud.*",
        ),
    ),
)
