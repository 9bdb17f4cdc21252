"""Every suite of laws, and `AllLaws`, which is all of them."""

from __future__ import annotations

from lamlam.memory_backends.conformance.answers import (
    AliasLaws,
    AnswerLaws,
    FastLookupLaws,
    SpellingLaws,
)
from lamlam.memory_backends.conformance.arguments import ArgumentLaws
from lamlam.memory_backends.conformance.atomicity import AtomicityLaws
from lamlam.memory_backends.conformance.concurrency import ConcurrencyLaws
from lamlam.memory_backends.conformance.erasure import ErasureLaws
from lamlam.memory_backends.conformance.faults import FaultLaws
from lamlam.memory_backends.conformance.feed import FeedLaws
from lamlam.memory_backends.conformance.files import FileLaws
from lamlam.memory_backends.conformance.hostile_text import HostileTextLaws
from lamlam.memory_backends.conformance.idempotency import IdempotencyLaws
from lamlam.memory_backends.conformance.laws import Laws
from lamlam.memory_backends.conformance.machine import ModelLaws
from lamlam.memory_backends.conformance.merges import InverseLaws, MergeLaws, NamespaceLaws
from lamlam.memory_backends.conformance.migrations import DeclarationLaws, MigrationLaws
from lamlam.memory_backends.conformance.round_trips import PeriodRoundTripLaws, RoundTripLaws
from lamlam.memory_backends.conformance.several_values import CardinalityLaws, SeveralValuesLaws
from lamlam.memory_backends.conformance.time_travel import HistoryLaws, ValidTimeLaws

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
    AliasLaws,
    InverseLaws,
    AtomicityLaws,
    ArgumentLaws,
    ConcurrencyLaws,
    ValidTimeLaws,
    HistoryLaws,
    IdempotencyLaws,
    HostileTextLaws,
    ErasureLaws,
    FileLaws,
    FeedLaws,
    FaultLaws,
    MigrationLaws,
    MergeLaws,
    NamespaceLaws,
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
    AliasLaws,
    InverseLaws,
    AtomicityLaws,
    ArgumentLaws,
    ConcurrencyLaws,
    ValidTimeLaws,
    HistoryLaws,
    IdempotencyLaws,
    HostileTextLaws,
    ErasureLaws,
    FileLaws,
    FeedLaws,
    FaultLaws,
    MigrationLaws,
    MergeLaws,
    NamespaceLaws,
):
    """Every law; a subclass sets ``backend``."""
