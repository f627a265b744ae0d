"""An engine without WhatsApp: sessions and phones in memory, for fast tests of everything above the engine.

What it does is held to what the real one does by ``tests/engine/test_conformance.py``.
"""
