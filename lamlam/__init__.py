"""Language models that look facts up in a memory you can read, edit and erase."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lamlam.version import __version__ as __version__

if TYPE_CHECKING:
    from lamlam.agent_tools.memory_tools import MemoryTools as MemoryTools
    from lamlam.agent_tools.policies import MemoryAction as MemoryAction
    from lamlam.agent_tools.sync_tools import SyncMemoryTools as SyncMemoryTools
    from lamlam.errors import LamLamError as LamLamError
    from lamlam.memory_backends.model.early_moments import EarlyMoment as EarlyMoment
    from lamlam.memory_backends.model.facts import Fact as Fact
    from lamlam.memory_backends.model.facts_about import FactsAbout as FactsAbout
    from lamlam.memory_backends.model.facts_about import NameInText as NameInText
    from lamlam.memory_backends.model.lookups import Lookup as Lookup
    from lamlam.memory_backends.model.lookups import LookupResult as LookupResult
    from lamlam.memory_backends.model.lookups import LookupStatus as LookupStatus
    from lamlam.memory_backends.model.operations import AddAlias as AddAlias
    from lamlam.memory_backends.model.operations import Assert as Assert
    from lamlam.memory_backends.model.operations import Change as Change
    from lamlam.memory_backends.model.operations import Commit as Commit
    from lamlam.memory_backends.model.operations import DefineRelation as DefineRelation
    from lamlam.memory_backends.model.operations import ErasureReceipt as ErasureReceipt
    from lamlam.memory_backends.model.operations import KnownEntity as KnownEntity
    from lamlam.memory_backends.model.operations import Mention as Mention
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
    from lamlam.memory_backends.read_views.overlay import Overlay as Overlay
    from lamlam.memory_backends.read_views.replica import Replica as Replica
    from lamlam.memory_backends.sync import SyncFactStore as SyncFactStore
    from lamlam.runtime.decoding.completion import Alternative as Alternative
    from lamlam.runtime.decoding.completion import ChatCompletion as ChatCompletion
    from lamlam.runtime.decoding.completion import ChatUsage as ChatUsage
    from lamlam.runtime.decoding.completion import Completion as Completion
    from lamlam.runtime.decoding.completion import RequestedCall as RequestedCall
    from lamlam.runtime.decoding.completion import TokenLogprob as TokenLogprob
    from lamlam.runtime.decoding.constraint import Constraint as Constraint
    from lamlam.runtime.decoding.events import Finished as Finished
    from lamlam.runtime.decoding.events import LookupAnswered as LookupAnswered
    from lamlam.runtime.decoding.events import LookupMissed as LookupMissed
    from lamlam.runtime.decoding.events import LookupStarted as LookupStarted
    from lamlam.runtime.decoding.events import Text as Text
    from lamlam.runtime.decoding.events import Thought as Thought
    from lamlam.runtime.decoding.events import ToolCallDelta as ToolCallDelta
    from lamlam.runtime.decoding.events import ToolRequested as ToolRequested
    from lamlam.runtime.decoding.spans import LookupRecord as LookupRecord
    from lamlam.runtime.decoding.spans import Span as Span
    from lamlam.runtime.decoding.verification import SpanCheck as SpanCheck
    from lamlam.runtime.decoding.verification import Verification as Verification
    from lamlam.runtime.engine import Engine as Engine
    from lamlam.runtime.observers.telemetry import Telemetry as Telemetry
    from lamlam.runtime.observers.trace import Trace as Trace
    from lamlam.runtime.sync import SyncEngine as SyncEngine

# The module of each public name: loaded at first use, so that `import lamlam` costs milliseconds.
_MODULES = {
    name: module
    for module, names in {
        "lamlam.errors": "LamLamError",
        "lamlam.memory_backends.model.early_moments": "EarlyMoment",
        "lamlam.memory_backends.model.facts": "Fact",
        "lamlam.memory_backends.model.facts_about": "FactsAbout NameInText",
        "lamlam.memory_backends.model.lookups": "Lookup LookupResult LookupStatus",
        "lamlam.memory_backends.model.operations": (
            "AddAlias Assert Change Commit DefineRelation ErasureReceipt KnownEntity Mention "
            "MergeEntities RemoveAlias Replace Retract Revision SplitEntities"
        ),
        "lamlam.memory_backends.model.recall": "Recalled Relation",
        "lamlam.memory_backends.model.relation_rules": "RelationRule",
        "lamlam.memory_backends.model.values": "EntityRef PartialDate Quantity ValueType",
        "lamlam.memory_backends.open": "open_store",
        "lamlam.memory_backends.read_views.overlay": "Overlay",
        "lamlam.memory_backends.protocol": "Capability FactStore",
        "lamlam.memory_backends.read_views.replica": "Replica",
        "lamlam.memory_backends.sync": "SyncFactStore",
        "lamlam.agent_tools.memory_tools": "MemoryTools",
        "lamlam.agent_tools.policies": "MemoryAction",
        "lamlam.agent_tools.sync_tools": "SyncMemoryTools",
        "lamlam.runtime.decoding.completion": "Alternative ChatCompletion ChatUsage "
        "Completion RequestedCall TokenLogprob",
        "lamlam.runtime.decoding.events": "Finished LookupAnswered LookupMissed LookupStarted Text "
        "Thought ToolCallDelta ToolRequested",
        "lamlam.runtime.decoding.constraint": "Constraint",
        "lamlam.runtime.decoding.spans": "LookupRecord Span",
        "lamlam.runtime.decoding.verification": "SpanCheck Verification",
        "lamlam.runtime.engine": "Engine",
        "lamlam.runtime.observers.telemetry": "Telemetry",
        "lamlam.runtime.observers.trace": "Trace",
        "lamlam.runtime.sync": "SyncEngine",
    }.items()
    for name in names.split()
}

__all__ = [
    "AddAlias",
    "Alternative",
    "Assert",
    "Capability",
    "Change",
    "ChatCompletion",
    "ChatUsage",
    "Commit",
    "Completion",
    "Constraint",
    "DefineRelation",
    "EarlyMoment",
    "Engine",
    "EntityRef",
    "ErasureReceipt",
    "Fact",
    "FactStore",
    "FactsAbout",
    "Finished",
    "KnownEntity",
    "LamLamError",
    "Lookup",
    "LookupAnswered",
    "LookupMissed",
    "LookupRecord",
    "LookupResult",
    "LookupStarted",
    "LookupStatus",
    "MemoryAction",
    "MemoryTools",
    "Mention",
    "MergeEntities",
    "NameInText",
    "Overlay",
    "PartialDate",
    "Quantity",
    "Recalled",
    "Relation",
    "RelationRule",
    "RemoveAlias",
    "Replace",
    "Replica",
    "RequestedCall",
    "Retract",
    "Revision",
    "Span",
    "SpanCheck",
    "SplitEntities",
    "SyncEngine",
    "SyncFactStore",
    "SyncMemoryTools",
    "Telemetry",
    "Text",
    "Thought",
    "TokenLogprob",
    "ToolCallDelta",
    "ToolRequested",
    "Trace",
    "ValueType",
    "Verification",
    "open_store",
]


def __getattr__(name: str) -> Any:  # Any: the type stands in the TYPE_CHECKING block
    if name in _MODULES:
        value = getattr(import_module(_MODULES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'lamlam' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
