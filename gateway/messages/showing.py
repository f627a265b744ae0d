"""What can be shown as a status, and what can be published in a channel."""

from __future__ import annotations

from typing import Final

from gateway.contacts.models import Contact
from gateway.kit.errors import FieldError, InvalidError
from gateway.messages.parts import AudioIn
from gateway.messages.requests import MessageIn
from sessions.address import Address, AddressKind

#: By kind of address: the types that go there, and what is said of others. A status is deleted as any message is.
_SHOWN: Final = {
    AddressKind.STATUS: (
        ("text", "image", "video", "voice", "revoke"),
        "A status is a text, an image, a video or a voice note.",
    ),
    AddressKind.NEWSLETTER: (("text",), "Only texts can be published in a channel."),
}
_ANSWERS_NOTHING: Final = "What is shown to many answers nothing. Write to the author instead."
_MENTIONS_NOBODY: Final = "Nobody can be mentioned here."


def demand_suited(request: MessageIn, recipient: Address | Contact) -> None:
    """Raises InvalidError for what WhatsApp would not show there."""
    if not isinstance(recipient, Address) or recipient.kind not in _SHOWN:
        return
    types, problem = _SHOWN[recipient.kind]
    is_voice = isinstance(request.part, AudioIn) and request.part.voice
    if ("voice" if is_voice else request.type) not in types:
        raise _refused("type", problem)
    if request.reply_to is not None:
        raise _refused("reply_to", _ANSWERS_NOTHING)
    if request.mentions:
        raise _refused("mentions", _MENTIONS_NOBODY)


def _refused(field: str, problem: str) -> InvalidError:
    return InvalidError(problem, fields=(FieldError(path=field, problem=problem),))
