"""Language models that look facts up in a memory you can read, edit and erase."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lamlam.version import __version__ as __version__

if TYPE_CHECKING:
    from lamlam.errors import LamLamError as LamLamError
    from lamlam.memory_backends.model.facts import Fact as Fact
    from lamlam.memory_backends.model.lookups import Lookup as Lookup
    from lamlam.memory_backends.model.lookups import LookupResult as LookupResult
    from lamlam.memory_backends.model.lookups import LookupStatus as LookupStatus
    from lamlam.memory_backends.model.operations import AddAlias as AddAlias
    from lamlam.memory_backends.model.operations import Assert as Assert
    from lamlam.memory_backends.model.operations import Change as Change
    from lamlam.memory_backends.model.operations import Commit as Commit
    from lamlam.memory_backends.model.operations import DefineRelation as DefineRelation
    from lamlam.memory_backends.model.operations import ErasureReceipt as ErasureReceipt
    from lamlam.memory_backends.model.operations import MergeEntities as MergeEntities
    from lamlam.memory_backends.model.operations import RemoveAlias as RemoveAlias
    from lamlam.memory_backends.model.operations import Replace as Replace
    from lamlam.memory_backends.model.operations import Retract as Retract
    from lamlam.memory_backends.model.operations import Revision as Revision
    from lamlam.memory_backends.model.operations import SplitEntities as SplitEntities
    from lamlam.memory_backends.model.recall import Recalled as Recalled
    from lamlam.memory_backends.model.recall import Relation as Relation
    from lamlam.memory_backends.model.relation_rules import RelationRule as RelationRule
    from lamlam.memory_backends.model.values import EntityRef as EntityRef
    from lamlam.memory_backends.model.values import PartialDate as PartialDate
    from lamlam.memory_backends.model.values import Quantity as Quantity
    from lamlam.memory_backends.model.values import ValueType as ValueType
    from lamlam.memory_backends.open import open_store as open_store
    from lamlam.memory_backends.protocol import Capability as Capability
    from lamlam.memory_backends.protocol import FactStore as FactStore
    from lamlam.memory_backends.replica import Replica as Replica
    from lamlam.memory_backends.sync import SyncFactStore as SyncFactStore
    from lamlam.runtime.chat.memory_tools import MemoryTools as MemoryTools
    from lamlam.runtime.decoding.completion import ChatCompletion as ChatCompletion
    from lamlam.runtime.decoding.completion import Completion as Completion
    from lamlam.runtime.decoding.verification import SpanCheck as SpanCheck
    from lamlam.runtime.decoding.verification import Verification as Verification
    from lamlam.runtime.engine import Engine as Engine
    from lamlam.runtime.observers.telemetry import Telemetry as Telemetry
    from lamlam.runtime.observers.trace import Trace as Trace
    from lamlam.runtime.sync import SyncEngine as SyncEngine

# Each public name and the module that holds it: loaded at first use, so that
# `import lamlam` costs milliseconds.
_HOMES = {
    "AddAlias": "lamlam.memory_backends.model.operations",
    "Assert": "lamlam.memory_backends.model.operations",
    "Capability": "lamlam.memory_backends.protocol",
    "Change": "lamlam.memory_backends.model.operations",
    "ChatCompletion": "lamlam.runtime.decoding.completion",
    "Commit": "lamlam.memory_backends.model.operations",
    "Completion": "lamlam.runtime.decoding.completion",
    "DefineRelation": "lamlam.memory_backends.model.operations",
    "Engine": "lamlam.runtime.engine",
    "EntityRef": "lamlam.memory_backends.model.values",
    "ErasureReceipt": "lamlam.memory_backends.model.operations",
    "Fact": "lamlam.memory_backends.model.facts",
    "FactStore": "lamlam.memory_backends.protocol",
    "LamLamError": "lamlam.errors",
    "Lookup": "lamlam.memory_backends.model.lookups",
    "LookupResult": "lamlam.memory_backends.model.lookups",
    "LookupStatus": "lamlam.memory_backends.model.lookups",
    "MemoryTools": "lamlam.runtime.chat.memory_tools",
    "MergeEntities": "lamlam.memory_backends.model.operations",
    "PartialDate": "lamlam.memory_backends.model.values",
    "Quantity": "lamlam.memory_backends.model.values",
    "Recalled": "lamlam.memory_backends.model.recall",
    "Relation": "lamlam.memory_backends.model.recall",
    "RelationRule": "lamlam.memory_backends.model.relation_rules",
    "RemoveAlias": "lamlam.memory_backends.model.operations",
    "Replace": "lamlam.memory_backends.model.operations",
    "Replica": "lamlam.memory_backends.replica",
    "Retract": "lamlam.memory_backends.model.operations",
    "Revision": "lamlam.memory_backends.model.operations",
    "SpanCheck": "lamlam.runtime.decoding.verification",
    "SplitEntities": "lamlam.memory_backends.model.operations",
    "SyncEngine": "lamlam.runtime.sync",
    "SyncFactStore": "lamlam.memory_backends.sync",
    "Telemetry": "lamlam.runtime.observers.telemetry",
    "Trace": "lamlam.runtime.observers.trace",
    "ValueType": "lamlam.memory_backends.model.values",
    "Verification": "lamlam.runtime.decoding.verification",
    "open_store": "lamlam.memory_backends.open",
}

__all__ = [
    "AddAlias",
    "Assert",
    "Capability",
    "Change",
    "ChatCompletion",
    "Commit",
    "Completion",
    "DefineRelation",
    "Engine",
    "EntityRef",
    "ErasureReceipt",
    "Fact",
    "FactStore",
    "LamLamError",
    "Lookup",
    "LookupResult",
    "LookupStatus",
    "MemoryTools",
    "MergeEntities",
    "PartialDate",
    "Quantity",
    "Recalled",
    "Relation",
    "RelationRule",
    "RemoveAlias",
    "Replace",
    "Replica",
    "Retract",
    "Revision",
    "SpanCheck",
    "SplitEntities",
    "SyncEngine",
    "SyncFactStore",
    "Telemetry",
    "Trace",
    "ValueType",
    "Verification",
    "open_store",
]


def __getattr__(name: str) -> Any:  # Any: the type stands in the TYPE_CHECKING block
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'lamlam' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
