"""Words as a search compares them: without case, without accents, without punctuation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

#: A word longer than this is cut; a text with more words than this is found by its first ones.
LONGEST_WORD: Final = 64
MOST_WORDS: Final = 10_000
#: Written without blanks between words (Thai, Lao, Khmer, Burmese, kana, Chinese): each sign is a word of its own.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
)
_WORD: Final = re.compile(f"[^\\W_{_UNSPACED}](?:[^\\W_{_UNSPACED}]|[\u0300-\u036f])*|[{_UNSPACED}]")
_NUMBER_MARKS: Final = re.compile(r"[\s()+./\-]+")
#: Letters that Unicode does not take apart.
_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th"}
)


@dataclass(frozen=True, slots=True)
class Word:
    """A folded word, and where it stands in the text that :func:`compose` gives."""

    folded: str
    start: int
    end: int


def fold(text: str) -> str:
    """``Straße à São Paulo`` and ``strasse a sao paulo`` are the same afterwards."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return bare.casefold().translate(_LETTERS)


def compose(text: str) -> str:
    """The same text with letters and their accents in one piece, as places in it are counted."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def words_of(text: str) -> Iterator[Word]:
    """The words of a composed text, in order."""
    for count, found in enumerate(_WORD.finditer(text)):
        if count == MOST_WORDS:
            return
        folded = _letters_only(fold(found.group()))[:LONGEST_WORD]
        if folded:
            yield Word(folded, found.start(), found.end())


def split(text: str) -> list[str]:
    """The folded words of any text."""
    return [word.folded for word in words_of(compose(text))]


def fold_names(*names: str | None) -> str:
    """What a search for part of a name or number looks into."""
    return " ".join(fold(name) for name in names if name)


def split_name(asked: str) -> list[str]:
    """What must occur in :func:`fold_names`: parts of names, or of a number however it is written."""
    digits = _NUMBER_MARKS.sub("", asked)
    if digits.isascii() and digits.isdecimal():
        return [digits.lstrip("0") or digits]
    return fold(asked).split()


def _letters_only(folded: str) -> str:
    """Folding may bring signs along: one half becomes 1, a slash and 2."""
    return folded if folded.isascii() and folded.isalnum() else "".join(filter(str.isalnum, folded))
