"""The scripted engine, for evaluations in which the model is not the point."""

from __future__ import annotations

import pytest

from tests.evaluation.scripted_engine import AskingEngine


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> type[AskingEngine]:
    """The scripted engine in place of the real one."""
    monkeypatch.setattr("lamlam.runtime.sync.SyncEngine", AskingEngine)
    monkeypatch.setattr(AskingEngine, "entities", ("Duchy of Lowmere", "Lowmere", "Pelt"))
    monkeypatch.setattr(AskingEngine, "relations", ("Seat", "Coin", "Main Town"))
    monkeypatch.setattr(AskingEngine, "known", {})
    monkeypatch.setattr(AskingEngine, "opened", [])
    monkeypatch.setattr(AskingEngine, "asked", [])
    return AskingEngine
