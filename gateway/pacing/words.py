"""The words by which people leave and come back: a whole message in one of many languages."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from typing import Final

#: Words that stand alone in a message only when somebody wants no more of them. END and QUIT are left out: menus use them.
STOP_WORDS: Final[tuple[str, ...]] = (
    *("stop", "stop all", "stopall", "unsubscribe", "cancel", "opt out", "optout", "remove me"),
    *("stopp", "abmelden", "abbestellen", "austragen"),  # German
    *("arret", "arreter", "desabonner", "desinscription"),  # French
    *("baja", "alto", "parar", "cancelar", "cancelar suscripcion"),  # Spanish, Portuguese
    *("sair", "descadastrar", "remover"),  # Portuguese
    *("annulla", "cancellami", "disiscrivimi"),  # Italian
    *("afmelden", "uitschrijven"),  # Dutch
    *("iptal", "ret", "dur"),  # Turkish
    *("wypisz", "rezygnuje"),  # Polish
    *("стоп", "отписаться", "отписка"),  # Russian
    *("berhenti", "batal"),  # Indonesian, Malay
    *("acha", "sitisha", "ondoa"),  # Swahili
    *("توقف", "ايقاف", "الغاء", "الغاء الاشتراك"),  # Arabic
    *("הסר", "הפסק"),  # Hebrew
    *("रोकें", "बंद करें"),  # Hindi
    *("退订", "停止", "取消订阅", "配信停止"),  # Chinese, Japanese
)
START_WORDS: Final[tuple[str, ...]] = (
    *("start", "unstop", "subscribe", "opt in", "optin"),
    *("anmelden", "abonnieren"),
    *("commencer", "abonner", "alta", "suscribir", "inscrever", "iscrivimi", "aanmelden", "basla"),
    *("старт", "подписаться", "mulai", "anza", "ابدا", "اشتراك", "הצטרף", "शुरू करें", "订阅", "配信再開"),
)


class WholeWords:
    """Knows a word again however it is written: case, accents, punctuation and emoji do not matter, company does."""

    def __init__(self, words: Collection[str], *, but: Collection[str] = ()) -> None:
        self._words = frozenset(map(plain, words)) - frozenset(map(plain, but)) - {""}

    def match(self, text: str) -> bool:
        """Whether the text is one of the words, and nothing else."""
        return plain(text) in self._words


def plain(text: str) -> str:
    """Letters and digits only, without accents, in lower case, one space between words."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(_kept(character) for character in spread)
    return " ".join(kept.split())


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Mn" and not _is_a_vowel_of_its_own(character):
        return ""  # an accent
    return character if category[0] in "LNM" else " "


def _is_a_vowel_of_its_own(character: str) -> bool:
    """Marks of Indian scripts are letters to their readers; accents and Arabic points are not."""
    return "\u0900" <= character <= "\u0dff"
