"""Drills: lose it, get it back, and know how long it took and what it cost."""
