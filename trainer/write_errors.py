"""Why a file could not be written, in the words of the system."""

from __future__ import annotations


def write_error(problem: BaseException) -> str:
    """Return the system's reason; torch's writer hides it behind an error of its own."""
    seen: BaseException | None = problem
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        seen = seen.__cause__ or seen.__context__
    text = str(problem)
    if "inline_container" in text:  # of another process, whose error came without its cause
        return "a part could not be written whole; is the disk full?"
    return text or type(problem).__name__
