"""Facts are erased in a copy, asked for in every style, and counted by style and relation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lamlam.cli.app import run
from lamlam.errors import BadDocument, StoreMissing
from lamlam.evaluation.forgetting import _copied, evaluate_forgetting
from lamlam.evaluation.outcomes import item_id
from lamlam.evaluation.question_styles import STYLES, questions
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert
from lamlam.memory_backends.sync import SyncFactStore
from tests.evaluation.scripted_engine import AskingEngine

FACTS = [
    Fact(entity="Ebbing", relation="Seat", value="Ostrand"),
    Fact(entity="Ebbing", relation="Seat", value="Vell"),
    Fact(entity="Torsk", relation="Coin", value="Dral"),
    Fact(entity="Torsk", relation="Seat", value="Old Torsk", valid_to="1900"),
    Fact(entity="Torsk", relation="Seat", value="hidden", namespace=("users", "7")),
]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with two relations that hold now."""
    made = f"sqlite:///{tmp_path}/facts.db"
    with SyncFactStore(made) as store:
        store.apply([*map(Assert, FACTS), AddAlias("Ebbing", "The Duchy")])
    return made


def test_the_sample_holds_now_and_has_all_values(url: str, tmp_path: Path) -> None:
    """Neither what has ended nor other namespaces are asked for; aliases are copied."""
    copy = f"sqlite:///{tmp_path}/copy.db"
    sample = _copied(url, copy, 10, 0)
    assert {(one.entity, one.relation): one.values for one in sample} == {
        ("Ebbing", "Seat"): ("Ostrand", "Vell"),
        ("Torsk", "Coin"): ("Dral",),
    }
    with SyncFactStore(copy) as store:
        assert store.lookup("The Duchy", "Seat").value == "Ostrand"


def test_a_small_sample_differs_by_seed_alone(url: str, tmp_path: Path) -> None:
    with SyncFactStore(url) as store:
        store.apply(
            [Assert(Fact(entity=f"Town {n}", relation="coin", value="x")) for n in range(50)]
        )
    samples = [
        _copied(url, f"sqlite:///{tmp_path}/{n}.db", 4, seed) for n, seed in enumerate((1, 1, 2))
    ]
    assert [len(sample) for sample in samples] == [4, 4, 4]
    assert samples[0] == samples[1] != samples[2]


@pytest.fixture
def knows_names(engine: type[AskingEngine], monkeypatch: pytest.MonkeyPatch) -> type[AskingEngine]:
    """The scripted engine, which finds the entities of these facts."""
    monkeypatch.setattr(engine, "entities", ("Ebbing", "Torsk"))
    return engine


def test_only_the_copy_is_erased_from(url: str, knows_names: type[AskingEngine]) -> None:
    """An honest model states everything before, nothing after; the store still has it all."""
    figures: dict[str, Any] = evaluate_forgetting(url, show_progress=False)
    assert figures["n"] == 2 * len(STYLES)
    assert figures["full"]["value"] == 1.0
    assert figures["L"]["value"] == figures["R"]["value"] == figures["del_on"]["value"] == 0.0
    assert list(figures["by_style"]) == [style.name for style in STYLES]
    assert {name: found["n"] for name, found in figures["by_relation"].items()} == {
        "Seat": 6,
        "Coin": 6,
    }
    copy, again, none = knows_names.opened
    assert copy == again != url
    assert none is None
    with SyncFactStore(url) as store:
        assert len(list(store.scan(include_expired=True))) == len(FACTS)


def test_ids_are_of_prompts_alone(url: str, knows_names: type[AskingEngine]) -> None:
    """An id made of a value, too, would let anyone guess it back once it is erased."""
    figures: dict[str, Any] = evaluate_forgetting(url, show_progress=False)
    prompts = [prompt for _, prompt in questions("Torsk", "Coin")]
    assert {item_id(prompt, "") for prompt in prompts} <= figures["outcomes"].keys()


def test_weights_that_know_are_leakage(
    url: str, knows_names: type[AskingEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knows_names, "known", {"Fill in the blank: the coin": "Dral"})
    figures: dict[str, Any] = evaluate_forgetting(url, show_progress=False)
    assert figures["by_style"]["cloze"]["L"]["value"] == 0.5
    assert figures["by_relation"]["Coin"]["L"]["value"] == pytest.approx(1 / 6, abs=1e-4)
    assert figures["R"]["value"] == 0.0


def test_a_store_without_facts_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadDocument, match="holds no fact"):
        evaluate_forgetting("memory:", show_progress=False)
    with pytest.raises(StoreMissing):
        evaluate_forgetting(f"sqlite:///{tmp_path}/absent.db", show_progress=False)


def test_the_command_with_the_bundled_model(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One object on standard output; a name too long for the context is left out."""
    monkeypatch.setattr("lamlam.evaluation.question_styles.STYLES", STYLES[:2])
    with SyncFactStore(url) as store:
        store.erase("Ebbing")
        store.apply([Assert(Fact(entity="\u1300" * 990, relation="coin", value="Dral"))])
    assert run(["eval", "forgetting", "--memory", url, "--json"]) == 0
    shown = capsys.readouterr()
    figures = json.loads(shown.out)
    assert figures["items"] == 2
    assert figures["n"] == len(figures["outcomes"]) == 2
    assert figures["L"]["value"] == 0.0
    assert "Dral" not in shown.out


def test_the_table_has_the_largest_groups(
    url: str, engine: type[AskingEngine], capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty relations are shown; a name with control characters cannot draw on the terminal."""
    with SyncFactStore(url) as store:
        store.apply(
            [
                Assert(Fact(entity="Torsk", relation=f"mark {n:02}\x1b[2J", value="x"))
                for n in range(24)
            ]
        )
    assert run(["eval", "forgetting", "--memory", url, "--items", "40"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "6 more; --json has them" in shown
    assert sum(line.strip().startswith("mark") for line in shown.splitlines()) in (18, 19, 20)
