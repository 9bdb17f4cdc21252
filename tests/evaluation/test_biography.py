"""Every value that a text states is checked against the store by rule."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lamlam.cli.evaluate import app
from lamlam.errors import BadDocument, UsageError
from lamlam.evaluation.biography import Statement, evaluate_biography, statements, summarise
from lamlam.evaluation.fact_checking import Subject
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookup_status import LookupStatus
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.spans import LookupRecord, Span

HELD = {
    "birth date": ("7 November 1867",),
    "birth place": ("Lowmere",),
    "occupation": ("chemist",),
    "education": ("University of Ostrava",),
    "population": ("12,345",),
    "director": ("Jon Vask",),
}
ADA = Subject("Ada Marlow", HELD, frozenset(["ada marlow"]))


def judged(written: str, subject: Subject = ADA) -> list[tuple[str, str]]:
    """Return value and verdict of each statement of a text without fetched values."""
    prompt = subject.name
    completion = Completion(f"{prompt} {written}", (), (), "length", 9, 9, 2)
    return [(one.value, one.verdict) for one in statements(completion, len(prompt), subject)]


@pytest.mark.parametrize(
    ("written", "verdict"),
    [
        ("was born in Lowmere.", "right"),
        ("was born in Ostrava.", "wrong"),
        ("was born in the town of Vask.", "wrong"),
        ("was born in 1867.", "right"),
        ("was born on November 7, 1867.", "right"),
        ("was born on November 8, 1867.", "wrong"),
        ("(7 November 1867) was here", "right"),
        ("(8 November 1867) was here", "wrong"),
        ("died in Lowmere.", "unsupported"),
        ("died in 1867.", "unsupported"),
        ("studied at the University of Ostrava.", "right"),
        ("was then directed by Jon Vask.", "right"),
        ("was then directed by Pell Orrin.", "wrong"),
        ("saw Ostrava.", "right"),
        ("saw Vienna.", "unsupported"),
        ("and the population was 12,345.", "right"),
        ("and the population was 12,346.", "wrong"),
        ("had 7 children.", "unsupported"),
        ("and a population of 12,346 people.", "wrong"),
        ("the director of Vienna.", "unsupported"),
        ("was born in Lowmere Castle.", "unsupported"),
        ("was directed by Bolivian painters.", "unsupported"),
    ],
)
def test_a_parametric_value_is_judged_by_the_words_before_it(written: str, verdict: str) -> None:
    """Wrong needs a relation that the words name and that the store holds."""
    assert [found for _, found in judged(written)] == [verdict]


def test_a_place_behind_a_date_belongs_to_the_same_verb() -> None:
    """Also where the date stands between "born" and the place."""
    assert judged("was born 7 November 1867 in Ostrava.") == [
        ("7 November 1867", "right"),
        ("Ostrava", "wrong"),
    ]


def test_a_second_place_behind_a_place_is_not_named_by_the_verb() -> None:
    """The store may hold the nearer one alone."""
    assert judged("was born in Lowmere in Brenn.") == [
        ("Lowmere", "right"),
        ("Brenn", "unsupported"),
    ]


def test_the_second_date_in_brackets_is_of_death() -> None:
    """The store has none here, so it says nothing about it."""
    assert judged("(7 November 1867 – 4 July 1934) was here") == [
        ("7 November 1867", "right"),
        ("4 July 1934", "unsupported"),
    ]


def test_half_a_name_is_not_checked() -> None:
    """A text that ends by its length may end inside a word, but for what memory wrote."""
    assert judged("saw Vienna and Bren") == [("Vienna", "unsupported")]


def test_repeats_count_once() -> None:
    """The same value checked by the same relation is one statement."""
    assert len(judged("saw Vienna. He saw Vienna. He was born in Lowmere.")) == 2


def fetched(
    written: str, value: str, relation: str, entity: str = "Ada Marlow"
) -> list[tuple[str, str]]:
    """Return origin and verdict of each statement of a text with one fetched value at its end."""
    text = f"Ada Marlow {written} {value}"
    start = len(text) - len(value)
    span = Span(start, len(text), "fact", fact_id="f1")
    record = LookupRecord(entity, relation, LookupStatus.HIT, value, "f1", at=start - 1)
    completion = Completion(text, (span,), (record,), "length", 9, 9, 2)
    return [(one.origin, one.verdict) for one in statements(completion, 10, ADA)]


@pytest.mark.parametrize(
    ("written", "value", "relation", "verdict"),
    [
        ("was a", "chemist", "occupation", "right"),
        ("was a", "painter", "occupation", "wrong"),
        ("was born in", "Lowmere", "birth place", "right"),
        ("was born in", "chemist", "occupation", "wrong"),
        ("was a part of", "12,345", "population", "wrong"),
        ("was born as a", "chemist", "occupation", "right"),
        ("died in", "Lowmere", "birth place", "unsupported"),
    ],
)
def test_a_fetched_value_is_judged_by_its_lookup_and_its_place(
    written: str, value: str, relation: str, verdict: str
) -> None:
    """A value of another relation than the words name is not right, though the store holds it."""
    assert fetched(written, value, relation) == [("fact", verdict)]


def test_a_value_of_another_entity_is_right_only_where_the_text_names_that_entity() -> None:
    """Otherwise the text states it of its own subject."""
    assert fetched("was a", "chemist", "occupation", "Pell Orrin") == [("fact", "wrong")]
    found = fetched("met Pell Orrin, a", "painter", "occupation", "Pell Orrin")
    assert found[-1] == ("fact", "right")


def test_the_summary_counts_by_origin() -> None:
    """Shares are of all statements, with their intervals."""
    texts = [
        [
            Statement("a", "right", "fact", None, 0, 1),
            Statement("b", "wrong", "parametric", None, 0, 1),
        ],
        [],
    ]
    result = summarise(texts)
    assert result["statements"] == 2
    assert result["precision"] == 0.5
    assert result["from_memory"] == {"statements": 1, "right": 1, "wrong": 0, "unsupported": 0}
    assert result["per_text"] == {
        "statements": 1.0, "right": 0.5, "wrong": 0.5, "unsupported": 0.0, "without_statement": 1,
    }  # fmt: skip
    assert summarise([])["precision"] == 0.0


@pytest.fixture
def memory(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/facts.db"
    with SyncFactStore(url) as store:
        store.apply(
            [
                Assert(Fact(entity="Ada Marlow", relation="birth date", value="7 November 1867")),
                Assert(Fact(entity="Ada Marlow", relation="nationality", value="Bolivian")),
            ]
        )
    return url


def test_the_command_writes_checks_and_compares(memory: str, tmp_path: Path) -> None:
    """The bundled model writes about one entity; its fetched values are right."""
    arguments = ["biography", "--memory", memory, "--max-tokens", "16", "--json"]
    arguments[1:1] = ["--opening", "{name} (born"]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    result = json.loads(first.stdout)
    assert (result["n"], result["unknown"]) == (1, 0)
    assert result["from_memory"]["right"] >= 1
    assert list(result["outcomes"].values()) == [True]
    assert result["texts"][0]["text"].startswith("Ada Marlow")
    earlier = tmp_path / "earlier.json"
    earlier.write_text(first.stdout, encoding="utf-8")
    again = CliRunner().invoke(app, [*arguments[:-1], "--against", str(earlier), "--no-memory"])
    assert again.exit_code == 0, again.output
    assert "Ada Marlow" not in again.stdout
    assert "against" in again.stdout


def test_an_opening_without_the_name_is_refused(memory: str) -> None:
    """Every text would be the same."""
    with pytest.raises(UsageError, match="does not name"):
        evaluate_biography(memory=memory, opening="Tell me about it.", show_progress=False)


def test_an_empty_list_and_an_empty_store_are_refused(memory: str, tmp_path: Path) -> None:
    """There is nothing to write about."""
    names = tmp_path / "names.txt"
    names.write_text("\n \n", encoding="utf-8")
    with pytest.raises(BadDocument, match="has no name"):
        evaluate_biography(memory=memory, names=names, show_progress=False)
    with pytest.raises(BadDocument, match="cannot read"):
        evaluate_biography(memory=memory, names=tmp_path / "none", show_progress=False)
    with SyncFactStore(memory) as store:
        store.erase("Ada Marlow")
    with pytest.raises(BadDocument, match="no fact"):
        evaluate_biography(memory=memory, show_progress=False)
