"""Language models that look facts up in a memory you can read, edit and erase."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamlam.errors import LamLamError as LamLamError
    from lamlam.memory_backends.facts import Fact as Fact
    from lamlam.memory_backends.lookups import Lookup as Lookup
    from lamlam.memory_backends.lookups import LookupResult as LookupResult
    from lamlam.memory_backends.lookups import LookupStatus as LookupStatus
    from lamlam.memory_backends.operations import Assert as Assert
    from lamlam.memory_backends.operations import Replace as Replace
    from lamlam.memory_backends.operations import Retract as Retract
    from lamlam.memory_backends.protocol import FactStore as FactStore
    from lamlam.memory_backends.sync import SyncFactStore as SyncFactStore
    from lamlam.memory_backends.urls import open_store as open_store
    from lamlam.runtime.completion import Completion as Completion
    from lamlam.runtime.engine import Engine as Engine
    from lamlam.runtime.sync import SyncEngine as SyncEngine

__version__ = "0.1.0"

# Each public name and the module that holds it: loaded at first use, so that
# `import lamlam` costs milliseconds.
_HOMES = {
    "Assert": "lamlam.memory_backends.operations",
    "Completion": "lamlam.runtime.completion",
    "Engine": "lamlam.runtime.engine",
    "Fact": "lamlam.memory_backends.facts",
    "FactStore": "lamlam.memory_backends.protocol",
    "LamLamError": "lamlam.errors",
    "Lookup": "lamlam.memory_backends.lookups",
    "LookupResult": "lamlam.memory_backends.lookups",
    "LookupStatus": "lamlam.memory_backends.lookups",
    "Replace": "lamlam.memory_backends.operations",
    "Retract": "lamlam.memory_backends.operations",
    "SyncEngine": "lamlam.runtime.sync",
    "SyncFactStore": "lamlam.memory_backends.sync",
    "open_store": "lamlam.memory_backends.urls",
}

__all__ = [
    "Assert",
    "Completion",
    "Engine",
    "Fact",
    "FactStore",
    "LamLamError",
    "Lookup",
    "LookupResult",
    "LookupStatus",
    "Replace",
    "Retract",
    "SyncEngine",
    "SyncFactStore",
    "open_store",
]


def __getattr__(name: str) -> Any:  # Any: the type stands in the TYPE_CHECKING block
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'lamlam' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
