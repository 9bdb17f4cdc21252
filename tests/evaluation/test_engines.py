"""Prompts are completed several at a time, in their order, by engines that are opened so."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from lamlam.cli.app import run
from lamlam.evaluation.engines import EngineUse, asking_with, in_order, open_asked_engine
from lamlam.evaluation.invented import evaluate_invented


def test_results_come_in_order_while_several_are_worked_on() -> None:
    """Three items meet at a barrier, which one after the other would never pass."""
    barrier = threading.Barrier(3, timeout=600)

    def work(n: int) -> int:
        barrier.wait()
        return 2 * n

    with asking_with(EngineUse(at_once=3)):
        assert list(in_order(work, range(6))) == [0, 2, 4, 6, 8, 10]


def test_one_at_a_time_begins_nothing_early() -> None:
    """By default an item is worked on when it is asked for."""
    begun: list[int] = []

    def work(n: int) -> int:
        begun.append(n)
        return n

    results = in_order(work, [1, 2, 3])
    assert next(results) == 1
    assert begun == [1]


def test_an_error_ends_it_where_it_stands() -> None:
    """What stands before is given; the error is the item's own."""
    with asking_with(EngineUse(at_once=2)):
        results = in_order(lambda n: 1 // n, [1, 0, 1])
        assert next(results) == 1
        with pytest.raises(ZeroDivisionError):
            list(results)


def test_engines_are_opened_as_asked_inside_the_block_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An evaluation's own options win; outside the block engines have their defaults."""
    opened: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "lamlam.runtime.sync.SyncEngine", lambda _model, _memory, **given: opened.append(given)
    )
    with asking_with(EngineUse(at_once=5, threads=1, context=512)):
        open_asked_engine("bundled", None, {})
        open_asked_engine("bundled", None, {"threads": 2})
    open_asked_engine("bundled", None, {"plain": True})
    assert opened == [
        {"threads": 1, "context": 512, "max_sequences": 5},
        {"threads": 2, "context": 512, "max_sequences": 5},
        {"plain": True},
    ]


def test_several_at_once_give_what_one_at_a_time_gives() -> None:
    """Batches of up to three rows have equal logits, so every figure of the model is the same."""
    alone = evaluate_invented(items=12, verbalise="copy", show_progress=False)
    with asking_with(EngineUse(at_once=3, threads=1, context=512)):
        beside = evaluate_invented(items=12, verbalise="copy", show_progress=False)
    assert {**beside, "seconds": 0} == {**alone, "seconds": 0}


def test_the_group_of_commands_sets_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """``lamlam eval --at-once N COMMAND`` holds for the command, and for no later one."""
    opened: list[dict[str, Any]] = []

    def refused(_model: str, _memory: object, **given: object) -> None:
        opened.append(given)
        raise OSError("stop here")

    monkeypatch.setattr("lamlam.runtime.sync.SyncEngine", refused)
    command = ["invented", "--items", "1", "--no-memory"]
    run(["eval", "--at-once", "7", "--threads", "1", *command])
    run(["eval", *command])
    assert opened == [{"max_sequences": 7, "threads": 1}, {}]
    assert run(["eval", "--at-once", "0", *command]) == 2
    assert "--at-once" in capsys.readouterr().err
