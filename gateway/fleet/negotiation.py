"""Picks the form of a QR code from what the caller accepts."""

from __future__ import annotations

from collections.abc import Sequence

JSON_TYPE = "application/json"
PNG_TYPE = "image/png"
SVG_TYPE = "image/svg+xml"
TEXT_TYPE = "text/plain"
QR_TYPES = (JSON_TYPE, PNG_TYPE, SVG_TYPE, TEXT_TYPE)


def best_type(accept: str, offered: Sequence[str]) -> str | None:
    """The offered type with the highest quality; the first one where the caller does not care, None where none fits."""
    if not accept.strip():
        return offered[0]
    wishes = [_wish(part) for part in accept.split(",") if part.strip()]
    rated = [(_quality(offer, wishes), -position, offer) for position, offer in enumerate(offered)]
    quality, _, chosen = max(rated)
    return chosen if quality > 0 else None


def _wish(part: str) -> tuple[str, float]:
    pattern, *parameters = (piece.strip() for piece in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
    return pattern.lower(), quality


def _quality(offer: str, wishes: Sequence[tuple[str, float]]) -> float:
    """The most specific wish that covers the offer decides."""
    family = offer.partition("/")[0]
    for pattern in (offer, f"{family}/*", "*/*"):
        for wished, quality in wishes:
            if wished == pattern:
                return quality
    return 0.0
