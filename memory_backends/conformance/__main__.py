"""``python -m lamlam.memory_backends.conformance URL``: the laws, on any backend by its URL."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from lamlam.errors import MissingExtra


def main() -> int:
    """Run the laws and return the exit status; print one line about what is missing."""
    for name in ("pytest", "hypothesis"):
        if find_spec(name) is None:
            error = MissingExtra("testing", name)
            print(f"error: {error} ({error.hint})", file=sys.stderr)  # noqa: T201 (a command)
            return 2
    from lamlam.memory_backends.conformance.command import main as run_laws

    return run_laws()


if __name__ == "__main__":
    sys.exit(main())
