"""The whole table."""

from __future__ import annotations

from typing import Final

from gateway.capabilities.gatherings import GATHERINGS
from gateway.capabilities.lifecycle import SESSIONS
from gateway.capabilities.news import ACCESS, MEDIA, NEWS
from gateway.capabilities.people import PEOPLE
from gateway.capabilities.receiving import RECEIVING
from gateway.capabilities.sending import SENDING

SECTIONS: Final = (SESSIONS, SENDING, RECEIVING, PEOPLE, GATHERINGS, NEWS, MEDIA, ACCESS)
ROWS: Final = tuple(row for section in SECTIONS for row in section.rows)
