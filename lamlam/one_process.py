"""What belongs to one process: engines and stores are neither pickled nor taken through a fork."""

from __future__ import annotations

import os
from typing import NoReturn

from lamlam.errors import EngineElsewhere, NotPicklable, StoreElsewhere


class OneProcess:
    """Knows the process that opened it, and refuses to be pickled or copied."""

    _process: int | None = None

    def belongs_here(self) -> None:
        """Note that this process opens it."""
        self._process = os.getpid()

    @property
    def is_forked(self) -> bool:
        """True in a child that was forked after this was opened."""
        return self._process is not None and self._process != os.getpid()

    def __reduce__(self) -> NoReturn:
        """Refuse.

        Raises:
            NotPicklable: always.
        """
        raise NotPicklable(type(self).__name__)


def engine_elsewhere() -> EngineElsewhere:
    """Return the error of an engine that was taken through a fork."""
    return EngineElsewhere(
        "the engine was opened in the process that this one was forked from",
        hint="open it in the worker: threads do not live on in a forked process",
    )


def store_elsewhere() -> StoreElsewhere:
    """Return the error of a store that was taken through a fork."""
    return StoreElsewhere(
        "the store was opened in the process that this one was forked from",
        hint="open it in the worker, and close it before the fork",
    )
