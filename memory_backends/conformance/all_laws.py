"""Every suite of laws, and `AllLaws`, which is all of them."""

from __future__ import annotations

from lamlam.memory_backends.conformance.laws.answers import (
    AliasLaws,
    AnswerLaws,
    FastLookupLaws,
    SpellingLaws,
)
from lamlam.memory_backends.conformance.laws.arguments import ArgumentLaws
from lamlam.memory_backends.conformance.laws.atomicity import AtomicityLaws
from lamlam.memory_backends.conformance.laws.base import Laws
from lamlam.memory_backends.conformance.laws.changes import FeedLaws
from lamlam.memory_backends.conformance.laws.commit_times import CommitTimeLaws
from lamlam.memory_backends.conformance.laws.concurrency import ConcurrencyLaws
from lamlam.memory_backends.conformance.laws.erasure import ErasureLaws
from lamlam.memory_backends.conformance.laws.expiry import ExpiryLaws
from lamlam.memory_backends.conformance.laws.facts_about import FactsAboutLaws
from lamlam.memory_backends.conformance.laws.faults import FaultLaws
from lamlam.memory_backends.conformance.laws.files import FileLaws
from lamlam.memory_backends.conformance.laws.hostile_text import HostileTextLaws
from lamlam.memory_backends.conformance.laws.idempotency import IdempotencyLaws
from lamlam.memory_backends.conformance.laws.inverses import InverseLaws, ValueLaws
from lamlam.memory_backends.conformance.laws.isolation import IsolationLaws
from lamlam.memory_backends.conformance.laws.known_names import KnownNameLaws
from lamlam.memory_backends.conformance.laws.lifetimes import LifetimeLaws, ValueErasureLaws
from lamlam.memory_backends.conformance.laws.mentions import MentionLaws
from lamlam.memory_backends.conformance.laws.merges import MergeLaws, NamespaceLaws
from lamlam.memory_backends.conformance.laws.migrations import DeclarationLaws, MigrationLaws
from lamlam.memory_backends.conformance.laws.overlays import OverlayLaws
from lamlam.memory_backends.conformance.laws.round_trips import PeriodRoundTripLaws, RoundTripLaws
from lamlam.memory_backends.conformance.laws.search import SearchLaws
from lamlam.memory_backends.conformance.laws.several_values import (
    CardinalityLaws,
    SeveralValuesLaws,
)
from lamlam.memory_backends.conformance.laws.time_travel import HistoryLaws, ValidTimeLaws
from lamlam.memory_backends.conformance.laws.undo import UndoLaws
from lamlam.memory_backends.conformance.model.model_laws import ModelLaws

SUITES: tuple[type[Laws], ...] = (
    DeclarationLaws,
    ModelLaws,
    RoundTripLaws,
    PeriodRoundTripLaws,
    SeveralValuesLaws,
    CardinalityLaws,
    AnswerLaws,
    SpellingLaws,
    FastLookupLaws,
    KnownNameLaws,
    FactsAboutLaws,
    SearchLaws,
    AliasLaws,
    InverseLaws,
    ValueLaws,
    AtomicityLaws,
    ArgumentLaws,
    ConcurrencyLaws,
    ValidTimeLaws,
    ExpiryLaws,
    HistoryLaws,
    UndoLaws,
    IdempotencyLaws,
    HostileTextLaws,
    ErasureLaws,
    MentionLaws,
    ValueErasureLaws,
    LifetimeLaws,
    FileLaws,
    FeedLaws,
    CommitTimeLaws,
    FaultLaws,
    MigrationLaws,
    MergeLaws,
    NamespaceLaws,
    IsolationLaws,
    OverlayLaws,
)
"""In the order of reports."""


class AllLaws(
    DeclarationLaws,
    ModelLaws,
    RoundTripLaws,
    PeriodRoundTripLaws,
    SeveralValuesLaws,
    CardinalityLaws,
    AnswerLaws,
    SpellingLaws,
    FastLookupLaws,
    KnownNameLaws,
    FactsAboutLaws,
    SearchLaws,
    AliasLaws,
    InverseLaws,
    ValueLaws,
    AtomicityLaws,
    ArgumentLaws,
    ConcurrencyLaws,
    ValidTimeLaws,
    ExpiryLaws,
    HistoryLaws,
    UndoLaws,
    IdempotencyLaws,
    HostileTextLaws,
    ErasureLaws,
    MentionLaws,
    ValueErasureLaws,
    LifetimeLaws,
    FileLaws,
    FeedLaws,
    CommitTimeLaws,
    FaultLaws,
    MigrationLaws,
    MergeLaws,
    NamespaceLaws,
    IsolationLaws,
    OverlayLaws,
):
    """Every law; a subclass sets ``backend``."""
