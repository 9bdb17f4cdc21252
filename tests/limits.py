"""How long a test waits before it calls something hung. Nothing that works comes near it."""

from __future__ import annotations

HANG_S = 400.0
"""Seconds; less than pytest's own limit, so that the test says what hung."""
