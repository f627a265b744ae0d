"""What can be shown as a status."""

from __future__ import annotations

from gateway.contacts.models import Contact
from gateway.kit.errors import FieldError, InvalidError
from gateway.messages.parts import AudioIn
from gateway.messages.requests import MessageIn
from sessions.address import Address, AddressKind

#: A status is deleted as any message is.
_SHOWN = ("text", "image", "video", "voice", "revoke")


def demand_suited(request: MessageIn, recipient: Address | Contact) -> None:
    """Raises InvalidError for a status that WhatsApp would not show."""
    if not isinstance(recipient, Address) or recipient.kind is not AddressKind.STATUS:
        return
    part = request.part
    is_voice = isinstance(part, AudioIn) and part.voice
    if request.type not in _SHOWN and not is_voice:
        raise _refused("type", "A status is a text, an image, a video or a voice note.")
    if request.reply_to is not None:
        raise _refused("reply_to", "A status answers nothing. Write to its author instead.")
    if request.mentions:
        raise _refused("mentions", "A status mentions nobody.")


def _refused(field: str, problem: str) -> InvalidError:
    return InvalidError(problem, fields=(FieldError(path=field, problem=problem),))
