"""The base of every error: a message, and a hint that says what to do next."""

from __future__ import annotations


class LamLamError(Exception):
    """Base of every error that lamlam raises on purpose."""

    retryable = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if hint:
            self.add_note(hint)
