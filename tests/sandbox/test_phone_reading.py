"""What a phone makes of messages as other clients write them."""

from __future__ import annotations

import pytest

from sessions.sandbox.phones.reading import E2E, read_message


def fields(message) -> dict[str, object]:
    reading = read_message(message)
    assert reading is not None
    return {"type": reading.type, **reading.fields}


def test_text_may_come_in_two_ways():
    extended = E2E.Message()
    extended.extendedTextMessage.text = "hello"
    extended.extendedTextMessage.contextInfo.stanzaID = "ABC"
    extended.extendedTextMessage.contextInfo.mentionedJID.append("1@lid")

    assert fields(E2E.Message(conversation="hello")) == {"type": "text", "text": {"body": "hello"}}
    assert fields(extended) == {
        "type": "text",
        "text": {"body": "hello"},
        "reply_to": "ABC",
        "mentions": ["1@lid"],
    }


@pytest.mark.parametrize("wrapper", ["ephemeralMessage", "viewOnceMessage", "viewOnceMessageV2", "editedMessage"])
def test_wrapped_messages_are_unwrapped(wrapper):
    message = E2E.Message()
    getattr(message, wrapper).message.conversation = "inside"

    assert fields(message) == {"type": "text", "text": {"body": "inside"}}


def test_a_document_with_a_caption_is_one_document():
    message = E2E.Message()
    inner = message.documentWithCaptionMessage.message.documentMessage
    inner.fileName, inner.caption, inner.mimetype, inner.fileLength = "a.pdf", "look", "application/pdf", 7

    assert fields(message)["document"] == {
        "mimetype": "application/pdf",
        "size": 7,
        "sha256": "",
        "filename": "a.pdf",
        "caption": "look",
    }


@pytest.mark.parametrize("field", ["pollCreationMessage", "pollCreationMessageV2", "pollCreationMessageV3"])
def test_polls_of_every_version_are_polls(field):
    message = E2E.Message()
    poll = getattr(message, field)
    poll.name, poll.selectableOptionsCount = "Tea?", 1
    poll.options.add(optionName="yes")
    poll.options.add(optionName="no")

    assert fields(message)["poll"] == {"question": "Tea?", "options": ["yes", "no"], "selectable": 1}


def test_what_the_phone_cannot_show_is_named():
    message = E2E.Message()
    message.orderMessage.orderID = "1"

    assert fields(message) == {"type": "unsupported", "unsupported": {"name": "orderMessage"}}


def test_keys_and_secrets_alone_are_no_message():
    message = E2E.Message()
    message.senderKeyDistributionMessage.groupID = "1@g.us"
    message.messageContextInfo.messageSecret = bytes(32)

    assert read_message(message) is None
