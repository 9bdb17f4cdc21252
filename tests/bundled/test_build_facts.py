"""The program that chooses the bundled facts takes what other documents mention."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

import lamlam
from lamlam.bundled import build_facts
from lamlam.bundled.build_facts import choose, main
from lamlam.bundled.corpus_facts import FILMS, facts_of
from lamlam.bundled.mentions import TitleMentions
from lamlam.errors import BadStore
from lamlam.trainer.documents import Document, StatedFact


def line(title: str, text: str, **facts: str) -> str:
    stated = sorted(
        (text.index(value), name.replace("_", " "), value) for name, value in facts.items()
    )
    return json.dumps(
        {
            "title": title,
            "text": text,
            "facts": [[title, relation, value] for _, relation, value in stated],
            "at": [at for at, _, _ in stated],
            "by": "s" * len(stated),
            "person": True,
            "source": "wikipedia-lead",
        }
    )


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    path.write_text(
        "\n".join(
            [
                line(
                    "Ada Quill",
                    "Ada Quill, born in Lowmere, was a miller.",
                    birth_place="Lowmere",
                    occupation="miller",
                ),
                line("Bob Ferris", "Bob Ferris met Ada Quill in Bath in 1830.", birth_place="Bath"),
                line("Cora Vale", "Cora Vale knew Ada Quill.", shoe_size="Vale"),
            ]
        )
    )
    return path


@pytest.fixture(autouse=True)
def every_relation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the relations of a corpus of three documents."""
    monkeypatch.setattr(build_facts, "FEWEST_OF_RELATION", 1)


def test_facts_of_entities_with_two_facts_or_more_are_kept(corpus: Path, tmp_path: Path) -> None:
    """One fact alone is left out, and so is a relation that people do not have."""
    out = tmp_path / "facts.sqlite"
    assert main([str(corpus), str(out)]) == 0
    with lamlam.SyncFactStore(out, read_only=True) as store:
        assert store.info().facts == 2
        result = store.lookup("Ada Quill", "place of birth")
    assert result.value == "Lowmere"
    assert result.sources == ("Wikipedia: Ada Quill",)


def test_a_file_that_exists_is_kept(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "facts.sqlite"
    out.write_text("mine")
    with pytest.raises(BadStore, match="exists"):
        main([str(corpus), str(out)])
    assert out.read_text() == "mine"


def test_wrong_usage_ends_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "OUT.sqlite" in capsys.readouterr().err


def test_a_fact_about_another_entity_stays_with_it() -> None:
    text = "Acme was founded by Ada Quill, born in Lowmere."
    document = Document(
        "Acme[2]",
        text,
        (
            StatedFact("acme", "Founder", "Ada Quill", 20),
            StatedFact("Ada Quill", "Birth Place", "Lowmere", 39),
        ),
        other_facts=(("Ada Quill", "Sport", "rowing"),),
    )
    assert [(fact.entity, fact.relation) for fact in facts_of(document)] == [
        ("Acme", "founder"),
        ("Ada Quill", "birth place"),
        ("Ada Quill", "sport"),
    ]


def test_a_film_of_a_well_known_name_is_called_after_its_year() -> None:
    """And another page of the name is left out: one name is one thing."""
    names = ("Release Year", "1932"), ("Director", "Bob Ferris")
    facts = tuple(StatedFact("Gold", name, value, 0, is_structured=True) for name, value in names)
    film = Document("Gold", "Gold is a film.", facts, source=FILMS)
    colour = Document("Gold", "Gold is a colour.", facts)
    found = choose([film, colour], well_known=("Gold",), mentions=TitleMentions(Counter(), {}, {}))
    assert {fact.entity for fact in found} == {"Gold (1932 film)"}
    assert len(found) == 2


def test_a_rare_head_of_a_column_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_facts, "FEWEST_OF_RELATION", 2)
    documents = [
        Document(
            name,
            name,
            tuple(
                StatedFact(name, relation, value, 0, is_structured=True)
                for relation, value in (("River", "Aller"), (odd, "x"), ("Owner", "Bath"))
            ),
        )
        for name, odd in (("Lowmere", "Sheading"), ("Highmere", "Canton"))
    ]
    found = choose(documents, mentions=TitleMentions(Counter(), {}, {}))
    assert {fact.relation for fact in found} == {"river", "owner"}


def test_an_alias_is_written_unless_another_entity_has_the_name(tmp_path: Path) -> None:
    facts = [
        lamlam.Fact(entity=name, relation="kind", value="x") for name in ("Myanmar", "America")
    ]
    pairs = [("Myanmar", "Burma"), ("Myanmar", "America"), ("Nowhere", "Erewhon")]
    build_facts.write(tmp_path / "facts.sqlite", facts, pairs)
    with lamlam.SyncFactStore(tmp_path / "facts.sqlite", read_only=True) as store:
        assert store.lookup("burma", "kind").match.entity.matched == "Myanmar"
        assert store.aliases("Myanmar") == ["burma"]
        assert store.lookup("Erewhon", "kind").value is None
