"""Cuts the piece out of a text in which the searched words stand, and says which they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.kit.words import compose, words_of
from gateway.search.asking import Term

_BEFORE: Final = 60
_LONGEST: Final = 240
_MORE: Final = "…"


def highlight(text: str, terms: Sequence[Term]) -> list[dict[str, object]]:
    """``[{"text": "The ", "match": false}, {"text": "price", "match": true}, ...]``"""
    text = compose(text)
    spans = _spans(text, [term for term in terms if not term.is_excluded])
    start, end = _window(text, spans)
    pieces: list[dict[str, object]] = []
    place = start
    for first, last in spans:
        if first >= place and last <= end:
            pieces += _piece(text[place:first], is_match=False) + _piece(text[first:last], is_match=True)
            place = last
    pieces += _piece(text[place:end], is_match=False)
    head = _piece(_MORE, is_match=False) if start else []
    return head + pieces + (_piece(_MORE, is_match=False) if end < len(text) else [])


def _spans(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    words, spans, place = list(words_of(text)), [], 0
    while place < len(words):
        length = max((term.covers(words[place : place + len(term.words)]) for term in terms), default=0)
        if length:
            spans.append((words[place].start, words[place + length - 1].end))
        place += length or 1
    return spans


def _window(text: str, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    first = spans[0][0] if spans else 0
    start = 0 if len(text) <= _LONGEST else min(max(first - _BEFORE, 0), len(text) - _LONGEST)
    if start:
        start = min(text.find(" ", start, first) + 1 or start, first)
    return start, min(start + _LONGEST, len(text))


def _piece(text: str, *, is_match: bool) -> list[dict[str, object]]:
    return [{"text": text, "match": is_match}] if text else []
