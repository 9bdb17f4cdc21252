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
    from lamlam.memory_backends.operations import AddAlias as AddAlias
    from lamlam.memory_backends.operations import Assert as Assert
    from lamlam.memory_backends.operations import Change as Change
    from lamlam.memory_backends.operations import Commit as Commit
    from lamlam.memory_backends.operations import DefineRelation as DefineRelation
    from lamlam.memory_backends.operations import ErasureReceipt as ErasureReceipt
    from lamlam.memory_backends.operations import MergeEntities as MergeEntities
    from lamlam.memory_backends.operations import RemoveAlias as RemoveAlias
    from lamlam.memory_backends.operations import Replace as Replace
    from lamlam.memory_backends.operations import Retract as Retract
    from lamlam.memory_backends.operations import Revision as Revision
    from lamlam.memory_backends.operations import SplitEntities as SplitEntities
    from lamlam.memory_backends.protocol import Capability as Capability
    from lamlam.memory_backends.protocol import FactStore as FactStore
    from lamlam.memory_backends.recall import Recalled as Recalled
    from lamlam.memory_backends.recall import Relation as Relation
    from lamlam.memory_backends.relation_rules import RelationRule as RelationRule
    from lamlam.memory_backends.replica import Replica as Replica
    from lamlam.memory_backends.sync import SyncFactStore as SyncFactStore
    from lamlam.memory_backends.urls import open_store as open_store
    from lamlam.memory_backends.values import EntityRef as EntityRef
    from lamlam.memory_backends.values import PartialDate as PartialDate
    from lamlam.memory_backends.values import Quantity as Quantity
    from lamlam.memory_backends.values import ValueType as ValueType
    from lamlam.runtime.agents import MemoryTools as MemoryTools
    from lamlam.runtime.completion import ChatCompletion as ChatCompletion
    from lamlam.runtime.completion import Completion as Completion
    from lamlam.runtime.engine import Engine as Engine
    from lamlam.runtime.sync import SyncEngine as SyncEngine
    from lamlam.runtime.telemetry import Telemetry as Telemetry
    from lamlam.runtime.trace import Trace as Trace
    from lamlam.runtime.verification import SpanCheck as SpanCheck
    from lamlam.runtime.verification import Verification as Verification

__version__ = "0.1.0"

# Each public name and the module that holds it: loaded at first use, so that
# `import lamlam` costs milliseconds.
_HOMES = {
    "AddAlias": "lamlam.memory_backends.operations",
    "Assert": "lamlam.memory_backends.operations",
    "Capability": "lamlam.memory_backends.protocol",
    "Change": "lamlam.memory_backends.operations",
    "ChatCompletion": "lamlam.runtime.completion",
    "Commit": "lamlam.memory_backends.operations",
    "Completion": "lamlam.runtime.completion",
    "DefineRelation": "lamlam.memory_backends.operations",
    "Engine": "lamlam.runtime.engine",
    "EntityRef": "lamlam.memory_backends.values",
    "ErasureReceipt": "lamlam.memory_backends.operations",
    "Fact": "lamlam.memory_backends.facts",
    "FactStore": "lamlam.memory_backends.protocol",
    "LamLamError": "lamlam.errors",
    "Lookup": "lamlam.memory_backends.lookups",
    "LookupResult": "lamlam.memory_backends.lookups",
    "LookupStatus": "lamlam.memory_backends.lookups",
    "MemoryTools": "lamlam.runtime.agents",
    "MergeEntities": "lamlam.memory_backends.operations",
    "PartialDate": "lamlam.memory_backends.values",
    "Quantity": "lamlam.memory_backends.values",
    "Recalled": "lamlam.memory_backends.recall",
    "Relation": "lamlam.memory_backends.recall",
    "RelationRule": "lamlam.memory_backends.relation_rules",
    "RemoveAlias": "lamlam.memory_backends.operations",
    "Replace": "lamlam.memory_backends.operations",
    "Replica": "lamlam.memory_backends.replica",
    "Retract": "lamlam.memory_backends.operations",
    "Revision": "lamlam.memory_backends.operations",
    "SpanCheck": "lamlam.runtime.verification",
    "SplitEntities": "lamlam.memory_backends.operations",
    "SyncEngine": "lamlam.runtime.sync",
    "SyncFactStore": "lamlam.memory_backends.sync",
    "Telemetry": "lamlam.runtime.telemetry",
    "Trace": "lamlam.runtime.trace",
    "ValueType": "lamlam.memory_backends.values",
    "Verification": "lamlam.runtime.verification",
    "open_store": "lamlam.memory_backends.urls",
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
