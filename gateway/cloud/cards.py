"""Contact cards as the Cloud API spells them out, and as the vCards that WhatsApp sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import Field

from gateway.messages.parts import Given, Words

_LINE: Final = re.compile(r"(?:[\w-]+\.)?(FN|TEL|EMAIL)((?:;[^:\r\n]*)?):(.*)", re.IGNORECASE)
_WAID: Final = re.compile(r";waid=(\d+)", re.IGNORECASE)
_TYPE: Final = re.compile(r";type=([\w-]+)", re.IGNORECASE)

Short = Annotated[Words, Field(max_length=200)]


class NameSaid(Given):
    formatted_name: Annotated[Words, Field(min_length=1, max_length=200)]
    first_name: Short | None = None
    last_name: Short | None = None
    middle_name: Short | None = None
    prefix: Short | None = None
    suffix: Short | None = None


class PhoneSaid(Given):
    phone: Short | None = None
    wa_id: Annotated[Words, Field(pattern=r"^[0-9]{1,20}$")] | None = None
    type: Short | None = None


class EmailSaid(Given):
    email: Short | None = None
    type: Short | None = None


class UrlSaid(Given):
    url: Short | None = None
    type: Short | None = None


class PostalSaid(Given):
    street: Short | None = None
    city: Short | None = None
    state: Short | None = None
    zip: Short | None = None
    country: Short | None = None
    country_code: Short | None = None
    type: Short | None = None


class OrgSaid(Given):
    company: Short | None = None
    department: Short | None = None
    title: Short | None = None


class CardSaid(Given):
    """One contact card."""

    name: NameSaid
    phones: list[PhoneSaid] = Field(default_factory=list, max_length=20)
    emails: list[EmailSaid] = Field(default_factory=list, max_length=20)
    urls: list[UrlSaid] = Field(default_factory=list, max_length=20)
    addresses: list[PostalSaid] = Field(default_factory=list, max_length=20)
    org: OrgSaid | None = None
    birthday: Annotated[Words, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None


def read_vcard(text: str, *, name: str) -> dict[str, Any]:
    """What a card that arrived says, as far as the Cloud API's receivers ask: the name, numbers and addresses."""
    phones: list[dict[str, str]] = []
    emails: list[dict[str, str]] = []
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        field, about, value = found[1].upper(), found[2], _unescaped(found[3].strip())
        kind, account = _TYPE.search(about), _WAID.search(about)
        typed = {"type": kind[1].upper()} if kind else {}
        if field == "FN":
            name = value or name
        elif field == "TEL":
            phones.append({"phone": value, **typed, **({"wa_id": account[1]} if account else {})})
        else:
            emails.append({"email": value, **typed})
    return {"name": {"formatted_name": name, "first_name": name}, "phones": phones, "emails": emails}


def vcard(card: CardSaid) -> str:
    """The same card in vCard 3.0, which phones import."""
    lines = ["BEGIN:VCARD", "VERSION:3.0", *_about_person(card), *_ways_to_reach(card), "END:VCARD"]
    return "\n".join(lines)


def _about_person(card: CardSaid) -> Iterator[str]:
    name = card.name
    yield f"N:{_joined(name.last_name, name.first_name, name.middle_name, name.prefix, name.suffix)}"
    yield f"FN:{_escaped(name.formatted_name)}"
    if card.org is not None:
        yield f"ORG:{_joined(card.org.company, card.org.department)}"
        if card.org.title:
            yield f"TITLE:{_escaped(card.org.title)}"
    if card.birthday:
        yield f"BDAY:{card.birthday}"


def _ways_to_reach(card: CardSaid) -> Iterator[str]:
    for phone in card.phones:
        account = f";waid={phone.wa_id}" if phone.wa_id else ""
        number = phone.phone or (f"+{phone.wa_id}" if phone.wa_id else "")
        if number:
            yield f"TEL{_typed(phone.type)}{account}:{_escaped(number)}"
    for email in card.emails:
        if email.email:
            yield f"EMAIL{_typed(email.type)}:{_escaped(email.email)}"
    for url in card.urls:
        if url.url:
            yield f"URL{_typed(url.type)}:{_escaped(url.url)}"
    for postal in card.addresses:
        country = postal.country or postal.country_code
        parts = _joined(None, None, postal.street, postal.city, postal.state, postal.zip, country)
        yield f"ADR{_typed(postal.type)}:{parts}"


def _typed(kind: str | None) -> str:
    """A parameter is a word: whatever else is in it could end it and begin a line of its own."""
    word = "".join(letter for letter in kind or "" if letter.isalnum())
    return f";TYPE={word.upper()}" if word else ""


def _joined(*parts: str | None) -> str:
    return ";".join(_escaped(part or "") for part in parts)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], text)


def _escaped(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(escaped.splitlines())
