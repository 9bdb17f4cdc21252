"""`facts_about`: the fast way against the slow one, how much is asked, and names of every form."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.facts_about import (
    LEAST_READ,
    LONG_TEXT,
    MAX_TEXT_CHARACTERS,
    MOST_READ,
    FactsAbout,
    TextQuestion,
    text_question,
)
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.read_views.overlay import Overlay
from lamlam.memory_backends.read_views.replica import Replica
from lamlam.memory_backends.resolution import facts_about as facts_about_module
from lamlam.memory_backends.resolution.names_in_text import readings
from lamlam.memory_backends.resolution.text_passages import passages
from lamlam.memory_backends.resolution.text_questions import TextQuestions
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore

SPACE = ("users", "7")
NAMES = (
    "Ada Quill", "Lowmere", "Lowmere Quay", "The Salt Road", "Zoë Årud", "AC/DC", "東京", "C++",
    "Orb (planet)", "Orb (film)", "Brightwater & Sons", "home", "Elizabeth I", "Dr. No",
)  # fmt: skip
RELATIONS = ("birth place", "birth date", "work", "pizza topping", "spouse")
WORDS = (
    "the of in was born where my I me home salt road quay orb planet and . , ? ( ) \n ' \" — / and's"
).split(" ")


class AsksSlowly(GraphStore):
    """A memory that answers texts by its other questions, one by one."""

    async def about_text(self, question: TextQuestion) -> FactsAbout:
        return await TextQuestions.about_text(self, question)

    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        return TextQuestions.about_text_nowait(self, question)


def facts(rng: random.Random) -> list[Fact]:
    """Return facts of these names in two namespaces."""
    return [
        Fact(entity=name, relation=relation, value=f"value {rng.randrange(9)}", namespace=space)
        for name in NAMES
        for space in ((), SPACE)
        for relation in rng.sample(RELATIONS, rng.randrange(1, 4))
        if rng.random() < 0.7
    ]


def text(rng: random.Random) -> str:
    """Return words, names and marks in any order."""
    parts = [
        rng.choice((str, str.lower, str.upper))(rng.choice(NAMES)) + rng.choice(("", "'s", ","))
        if rng.random() < 0.3
        else rng.choice(WORDS)
        for _ in range(rng.randrange(1, 30))
    ]
    return " ".join(parts)


def plain(about: FactsAbout) -> tuple[object, ...]:
    """Return what is equal in stores of other secrets: all but ids."""
    return about.names, about.lines(), about.left_out


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(4))
async def test_every_way_gives_the_same(seed: int, tmp_path: Path) -> None:
    """By an index or by single questions, at once or awaited, from a file or a copy."""
    rng = random.Random(seed)
    given = facts(rng)
    slow, fast, file = AsksSlowly(), GraphStore(), SqliteStore(tmp_path / "facts.db")
    for store in (slow, fast, file):
        store.load_nowait(given)
    replica = Replica(fast.secret)
    replica.apply_changes(fast.changes_nowait(None))
    for _ in range(25):
        asked = text_question(
            text(rng),
            namespace=rng.choice(((), SPACE)),
            shared_namespace=rng.choice(((), None)),
            me=rng.choice((None, "ada quill", "nobody")),
            max_facts=rng.choice((0, 2, 20)),
            max_characters=rng.choice((60, 4000)),
        )
        expected = fast.about_text_nowait(asked)
        assert replica.about_text_nowait(asked) == expected
        for other in (slow, file):
            assert plain(other.about_text_nowait(asked)) == plain(expected), asked
            assert plain(await other.about_text(asked)) == plain(expected), asked
        assert len(expected.as_text()) <= asked.max_characters
    file.close_nowait()


def test_an_overlay_reads_both_layers() -> None:
    store = GraphStore()
    store.load_nowait(
        [
            Fact(entity="Ada Quill", relation="work", value="poet"),
            Fact(entity="Ada Quill", relation="work", value="cook", namespace=SPACE),
            Fact(entity="Bob Vane", relation="work", value="clerk"),
        ]
    )
    seen = Overlay(store, SPACE).facts_about_nowait("Ada Quill and Bob Vane")
    assert seen.lines() == ("Ada Quill: work: cook", "Bob Vane: work: clerk")
    assert Overlay(store, SPACE, None).facts_about_nowait("Bob Vane").names == ()


def test_the_very_name_comes_before_a_similar_one() -> None:
    """A user's "Orb (planet)" does not replace the shared "Orb" in a text that says Orb."""
    store = GraphStore()
    store.load_nowait(
        [
            Fact(entity="Orb", relation="kind", value="jewel"),
            Fact(entity="Orb (planet)", relation="kind", value="planet", namespace=SPACE),
        ]
    )
    about = store.facts_about_nowait("the Orb", namespace=SPACE)
    assert about.lines() == ("Orb: kind: jewel",)
    alone = store.facts_about_nowait("the Orb", namespace=SPACE, shared_namespace=None)
    assert alone.lines() == ("Orb (planet): kind: planet",)


def names_found(given: str, *stored: str) -> list[str]:
    """Return what is found of stored names in a text."""
    store = GraphStore()
    store.load_nowait(Fact(entity=name, relation="kind", value="x") for name in stored)
    return [one.text for one in store.facts_about_nowait(given, me="Ada Quill").names]


@pytest.mark.parametrize(
    ("given", "stored", "found"),
    [
        ("We saw AC/DC in Oslo/Bergen", ("AC/DC", "Oslo", "Bergen"), ["AC/DC", "Oslo", "Bergen"]),
        ("**Lowmere** is [Oslo](https://x.y/Bergen)", ("Lowmere", "Oslo", "Bergen"),
         ["Lowmere", "Oslo", "Bergen"]),
        ("昨日東京でAda Quillに会った", ("東京", "Ada Quill"), ["東京", "Ada Quill"]),
        ("ตอนนี้อยู่กรุงเทพครับ", ("กรุงเทพ",), ["กรุงเทพ"]),
        ("Is New Lowmere far?", ("Lowmere",), []),
        ("Is Lowmere Quay far?", ("Lowmere", "Lowmere Quay"), ["Lowmere Quay"]),
        ("who is barbara linwood", ("Linwood",), []),
        ("We learnt from President Okafor", ("Okafor",), ["Okafor"]),
        ("Home is here. I am at home.", ("Home",), []),
        ("I am at home.", ("home",), ["home"]),
        ("who directed orbit?", ("Orbit",), ["orbit"]),
        ("the capital is far", ("Capital",), []),
        ("and nobody came yesterday", ("Nobody", "Yesterday"), []),
        ("Have you seen It?", ("It",), ["It"]),
        ("have you seen it?", ("It",), []),
        ("The Who sang", ("The Who",), ["The Who"]),
        ("the coal mine", ("Ada Quill",), []),
        ("Is it mine?", ("Ada Quill",), ["mine"]),
        ("In World War I", ("Ada Quill",), []),
        ("C++ or C#?", ("C++", "C"), ["C++"]),
        ("Dr. Ada Quill’s; Bob Vane?", ("Ada Quill", "Bob Vane"), ["Ada Quill", "Bob Vane"]),
    ],
)  # fmt: skip
def test_names_of_every_form(given: str, stored: Sequence[str], found: list[str]) -> None:
    """Where names stand, and which words are none."""
    stored_names = [*stored] if "Ada Quill" in stored else [*stored, "Someone"]
    assert names_found(given, *stored_names) == found


def test_how_much_is_asked_grows_with_the_words_alone() -> None:
    """At most twelve stretches begin at a word, in three spellings each, whatever the text."""
    for given in (
        "a " * 2000, "Ada's " * 2000, "(-1) " * 2000, "I'm. " * 2000, "東" * 4000, "x/" * 3000,
        "Ǆ" * MAX_TEXT_CHARACTERS, "A" * 900 + " B" * 5000, "[](" * 3000,
    ):  # fmt: skip
        n_words = sum(len(one.words) for one in passages(given))
        n_names = 0
        for reading in readings(given):
            asked = reading.names()
            n_names += len(asked)
            assert len(asked) <= 7200
            assert all(len(name) <= 1000 for name in asked)
        assert n_names <= 36 * n_words


def test_passages_are_the_words_of_the_text_in_order() -> None:
    """Every word is in one passage, and no passage is very long."""
    rng = random.Random(0)
    given = " ".join(text(rng) for _ in range(60))
    words = [word for one in passages(given) for word in one.words]
    assert all(one.end <= other.start for one, other in zip(words, words[1:], strict=False))
    covered = "".join(given[word.start : word.end] for word in words)
    assert covered == "".join(given.split()).replace("/", "").replace("—", "")
    assert max(len(one.words) for one in passages(given)) <= 200


def test_of_very_many_facts_the_first_are_looked_at() -> None:
    """And what is left out says that there is more."""
    store = GraphStore()
    n = MOST_READ + 5
    store.load_nowait(Fact(entity="Ada Quill", relation="note", value=f"n{i}") for i in range(n))
    about = store.facts_about_nowait("ada quill", max_facts=3)
    assert [fact.surface for fact in about.facts] == ["n0", "n1", "n2"]
    (left,) = about.left_out
    assert (left.n_facts, left.is_more) == (MOST_READ - 3, True)


def test_of_very_many_names_the_later_ones_have_fewer_facts_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is read for a text is bounded, whatever its names hold; each gets its first facts."""
    monkeypatch.setattr(facts_about_module, "MOST_READ_OF_TEXT", 2 * LEAST_READ)
    store = GraphStore()
    n = 2 * LEAST_READ
    names = ("Ada Quill", "Bob Ferris", "Cleo Marsh")
    store.load_nowait(
        Fact(entity=name, relation="note", value=f"{name} {i}") for name in names for i in range(n)
    )
    about = store.facts_about_nowait(" and ".join(names), max_facts=3)
    assert [fact.surface for fact in about.facts] == [f"{name} 0" for name in names]
    told = [(one.entity, one.n_facts, one.is_more) for one in about.left_out]
    later = [(name, LEAST_READ - 1, True) for name in names[1:]]
    assert told == [(names[0], n - 1, False), *later]


def test_a_blocking_store_answers_long_texts(tmp_path: Path) -> None:
    """In its own thread, and the bundled facts too."""
    with SyncFactStore(f"sqlite:///{tmp_path}/facts.db") as store:
        store.load([Fact(entity="Ada Quill", relation="work", value="poet")])
        about = store.facts_about("x y z " * LONG_TEXT + "Ada Quill")
        assert about.lines() == ("Ada Quill: work: poet",)
        assert store.facts_about_nowait("ada quill's").names[0].end == 9
        store.refresh_nowait()
        with store.snapshot() as then:
            assert then.facts_about("Ada Quill").lines() == about.lines()
    with SyncFactStore("bundled") as store:
        about = store.facts_about(
            "what is the capital of norway and who was marie curie's husband?"
        )
        assert {one.entity for one in about.names} == {"Norway", "Marie Curie"}
        assert about.facts[0].surface == "Oslo"
