"""What all tests share: a property is judged by its truth, not by how fast a busy machine finds it."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("verdigris", deadline=None)
settings.load_profile("verdigris")
