"""What the command line runs: all laws, on the backend that it was given."""

from __future__ import annotations

from lamlam.memory_backends.conformance import AllLaws


class TestBackend(AllLaws):
    """Every law; ``__main__`` gives it its backend."""
