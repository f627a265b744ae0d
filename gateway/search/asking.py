"""Reads what somebody types into a search box. Everything can be typed; nothing of it is a mistake."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.kit.words import Word, split

MOST_TERMS: Final = 16
#: A shorter beginning would match half of all words.
SHORTEST_BEGINNING: Final = 2
_TERM: Final = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<plain>[^\s"]+))')


@dataclass(frozen=True, kw_only=True)
class Term:
    """Words that must follow each other. ``is_beginning``: the last of them may go on."""

    words: tuple[str, ...]
    is_beginning: bool = False
    is_excluded: bool = False

    def covers(self, words: Sequence[Word]) -> int:
        """How many of these words, from the first on, are the term; 0 where they are not."""
        if len(words) < len(self.words):
            return 0
        *first, last = zip(self.words, words, strict=False)
        if any(asked != word.folded for asked, word in first):
            return 0
        asked, word = last
        is_same = word.folded.startswith(asked) if self.is_beginning else word.folded == asked
        return len(self.words) if is_same else 0


def read_terms(text: str) -> tuple[Term, ...]:
    """``price "red shoes" deliver* -monday`` as terms; those that hold no letter or digit say nothing."""
    terms: list[Term] = []
    for found in _TERM.finditer(text):
        phrase, plain = found["phrase"], found["plain"]
        words = tuple(split(phrase if plain is None else plain))
        if not words:
            continue
        is_beginning = plain is not None and plain.endswith("*") and len(words[-1]) >= SHORTEST_BEGINNING
        terms.append(Term(words=words, is_beginning=is_beginning, is_excluded=bool(found["minus"])))
    return tuple(terms[:MOST_TERMS])
