"""Words are compared without case and accents; whatever is typed is understood as words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kit.words import fold_names, split, split_name
from gateway.search.asking import Term, read_terms
from gateway.search.highlights import highlight


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("O PREÇO, por favor!", ["o", "preco", "por", "favor"]),
        ("Straße naïve Łódź Ærø", ["strasse", "naive", "lodz", "aero"]),
        ("e\u0301te\u0301", ["ete"]),
        ("don't order-4711", ["don", "t", "order", "4711"]),
        ("Привет, Ёлка", ["привет", "елка"]),
        ("你好 world", ["你", "好", "world"]),
        ("½ ﷺ", ["12", "صلىاللهعليهوسلم"]),
        ("¡¿… —", []),
    ],
)
def test_a_text_is_taken_apart_into_folded_words(text: str, words: list[str]) -> None:
    assert split(text) == words


def test_a_question_has_phrases_beginnings_and_exclusions() -> None:
    assert read_terms('Preço "red  shoes" deliver* -monday') == (
        Term(words=("preco",)),
        Term(words=("red", "shoes")),
        Term(words=("deliver",), is_beginning=True),
        Term(words=("monday",), is_excluded=True),
    )


def test_a_beginning_of_one_letter_is_a_word() -> None:
    assert read_terms("a* ab*") == (Term(words=("a",)), Term(words=("ab",), is_beginning=True))


@given(text=st.text(max_size=200))
def test_no_question_is_a_mistake_and_terms_hold_letters_and_digits_only(text: str) -> None:
    for term in read_terms(text):
        assert term.words
        assert all(word.isalnum() for word in term.words)


@given(text=st.text(max_size=600), asked=st.text(max_size=20))
def test_highlights_never_fail_and_are_a_part_of_the_text(text: str, asked: str) -> None:
    pieces = highlight(text, read_terms(asked))

    assert "".join(str(piece["text"]) for piece in pieces).strip("…") is not None
    assert all(piece["text"] for piece in pieces)


def test_the_words_that_were_asked_for_are_marked_as_they_were_written() -> None:
    pieces = highlight("O preço dos SAPATOS Vermelhos", read_terms('preco "sapatos vermelhos"'))

    assert pieces == [
        {"text": "O ", "match": False},
        {"text": "preço", "match": True},
        {"text": " dos ", "match": False},
        {"text": "SAPATOS Vermelhos", "match": True},
    ]


def test_of_a_long_text_the_place_around_the_first_hit_is_shown() -> None:
    pieces = highlight("before " * 100 + "needle" + " after" * 100, read_terms("needle"))

    whole = "".join(str(piece["text"]) for piece in pieces)
    assert {"text": "needle", "match": True} in pieces
    assert whole.startswith("…before")
    assert len(whole) < 260


def test_names_and_numbers_are_found_by_their_parts_however_they_are_written() -> None:
    folded = fold_names("José Ñandú", None, "+4915110000002")

    for asked in ("jose", "NANDU", "+49 151 1000", "0151-1000 0002", "jos nan"):
        assert all(part in folded for part in split_name(asked)), asked
    assert any(part not in folded for part in split_name("jose müller"))
