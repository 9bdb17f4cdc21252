"""The laws that every memory keeps, for authors of backends: a class, a URL, and pytest.

    from lamlam.memory_backends.conformance import AllLaws, Backend

    class TestMyStore(AllLaws):
        backend = Backend("mine:///{folder}/facts")

Needs the extra ``testing``. ``docs/writing-a-backend.md`` explains it step by step.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lamlam.errors import MissingExtra
from lamlam.extras import EXTRAS

if TYPE_CHECKING:
    from lamlam.memory_backends.conformance.all_laws import SUITES, AllLaws
    from lamlam.memory_backends.conformance.backend import Backend, Place
    from lamlam.memory_backends.conformance.laws.base import Laws, needs

# Loaded on first use: a process that only works on a store needs no pytest.
_HOMES = {
    "SUITES": "all_laws",
    "AllLaws": "all_laws",
    "Backend": "backend",
    "Laws": "laws.base",
    "Place": "backend",
    "needs": "laws.base",
}

__all__ = ["SUITES", "AllLaws", "Backend", "Laws", "Place", "needs"]


def __getattr__(name: str) -> Any:  # Any: whatever the name stands for
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as problem:
        if problem.name not in EXTRAS["testing"]:
            raise
        raise MissingExtra("testing", problem.name) from None
