"""The same rig as for profiles."""

from __future__ import annotations

from tests.profiles.conftest import api, contacts, fleet, parts, shop, told

__all__ = ["api", "contacts", "fleet", "parts", "shop", "told"]
