"""Held-out documents stay the same; training drops what would give them away."""

from __future__ import annotations

import dataclasses
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.errors import NothingToLearn
from lamlam.trainer.documents import Document
from lamlam.trainer.near_copies import find_near_copies
from lamlam.trainer.settings import DataConfig, RunConfig, Settings
from lamlam.trainer.split import birth_date, is_held_out, split_documents
from lamlam.trainer.training_data import training_documents
from tests.trainer.conftest import as_line

SHARE = 0.2


def titles(held_out: bool) -> list[str]:
    """Titles that are held out, or are not."""
    return [t for i in range(60) if is_held_out(t := f"Quillon {chr(97 + i)}", SHARE) is held_out]


HELD, OTHERS = titles(True), titles(False)


def person(title: str, born: str, text: str = "") -> Document:
    return Document(title, text or f"{title} sang.", (), ((title, "Birth Date", born),))


def test_held_out_documents_depend_on_their_titles_alone() -> None:
    documents = [Document(t, f"{t} is {i}.", ()) for i, t in enumerate([*HELD, *OTHERS])]
    split = split_documents(documents, SHARE)
    assert [d.title for d in split.held_out] == HELD
    assert [d.title for d in split.training] == OTHERS


def test_documents_of_the_same_bare_name_are_dropped() -> None:
    # A title with a qualifier falls into another bucket than the same without it.
    name = next(
        t
        for t in HELD
        if not is_held_out(f"{t} (film)", SHARE) and not is_held_out(f"{t} [2]", SHARE)
    )
    documents = [
        Document(t, f"{t} is number {i}.", ())
        for i, t in enumerate([name, f"{name} (film)", f"{name} [2]", OTHERS[0]])
    ]
    split = split_documents(documents, SHARE)
    assert [d.title for d in split.held_out] == [name]
    assert [d.title for d in split.training] == [OTHERS[0]]
    assert split.same_name == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("7 November 1867", "November 7, 1867"),
        ("1867-11-07", "7th Nov 1867"),
        ("7 November 1867", "7 November 1867"),
    ],
)
def test_one_person_under_two_titles_is_told_by_the_birth_date(first: str, second: str) -> None:
    for name in ("Ferrin", "Wu"):
        held = next(f"A{i} {name}" for i in range(99) if is_held_out(f"A{i} {name}", SHARE))
        other = next(f"B{i} {name}" for i in range(99) if not is_held_out(f"B{i} {name}", SHARE))
        split = split_documents([person(held, first), person(other, second)], SHARE)
        assert split.same_person == 1
        assert not split.training


def test_a_stranger_of_the_same_day_and_a_namesake_of_another_stay() -> None:
    held = next(f"Quo Ferrin {i}" for i in range(99) if is_held_out(f"Quo Ferrin {i}", SHARE))
    other = next(f"Bo Dorn {i}" for i in range(99) if not is_held_out(f"Bo Dorn {i}", SHARE))
    namesake = next(f"Ib Ferrin {i}" for i in range(99) if not is_held_out(f"Ib Ferrin {i}", SHARE))
    van = next(f"Al van Orm {i}" for i in range(99) if not is_held_out(f"Al van Orm {i}", SHARE))
    held_van = next(f"Jo van Dun {i}" for i in range(99) if is_held_out(f"Jo van Dun {i}", SHARE))
    strangers = [person(van, "9 November 1867"), person(held_van, "9 November 1867")]
    assert len(split_documents(strangers, SHARE).training) == 1
    documents = [
        person(held, "7 November 1867"), person(other, "7 November 1867"),
        person(namesake, "8 November 1867"),
    ]  # fmt: skip
    assert len(split_documents(documents, SHARE).training) == 2


def test_a_year_alone_is_no_birth_date() -> None:
    assert birth_date(person("A", "1867")) is None
    assert birth_date(person("A", "about 1867")) is None
    assert birth_date(person("A", "7 November 1867")) == frozenset({7, 11, 1867})
    assert birth_date(Document("A", "", (), (("B", "Birth Date", "7 November 1867"),))) is None


def random_text(rng: random.Random, n: int) -> str:
    return " ".join("".join(rng.choices("abcdefgh", k=4)) for _ in range(n))


def slow_near_copies(texts: list[str], originals: list[str]) -> list[bool]:
    def shingles(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"\w+", text.casefold())
        length = min(8, len(words))
        return {tuple(words[i : i + length]) for i in range(len(words) - length + 1) if length}

    kept = [shingles(text) for text in originals]
    return [
        any(a and b and len(a & b) >= 0.5 * min(len(a), len(b)) and a & b for b in kept)
        for a in map(shingles, texts)
    ]


def test_near_copies_are_those_of_a_slow_comparison() -> None:
    rng = random.Random(0)
    originals = [random_text(rng, rng.choice((3, 8, 20, 60))) for _ in range(30)]
    texts = ["", *(random_text(rng, 30) for _ in range(40))]
    for original in originals:
        words = original.upper().split()
        for _ in range(4):
            start, end = sorted(rng.choices(range(len(words) + 1), k=2))
            texts.append(", ".join([*words[start:end], random_text(rng, rng.choice((1, 5, 40)))]))
    expected = slow_near_copies(texts, originals)
    assert find_near_copies(texts, originals) == expected
    assert 10 < sum(expected) < len(texts) - 50


@given(
    st.lists(
        st.lists(st.sampled_from("ab éß_1.-\x00\udc80漢"), max_size=40).map("".join), max_size=9
    ),
    st.lists(
        st.lists(st.sampled_from("ab éß_1.-\x00\udc80漢"), max_size=40).map("".join), max_size=4
    ),
)
def test_near_copies_of_any_texts_are_those_of_a_slow_comparison(
    texts: list[str], originals: list[str]
) -> None:
    """Also of words that come again and again, and of texts shorter than a shingle."""
    texts = [*texts, *originals, " ".join(texts)]
    assert find_near_copies(texts, originals) == slow_near_copies(texts, originals)


def test_how_such_texts_are_worded_makes_no_copy() -> None:
    rng = random.Random(0)
    frame = "is a civil parish in the county of Lowmere in the north of Quillia where it lies"
    texts = [f"{random_text(rng, 2)} {frame} {random_text(rng, 2)}" for _ in range(400)]
    assert sum(find_near_copies(texts[:-20], texts[-20:])) == 0
    # The same frame in few texts is a copy.
    assert sum(find_near_copies(texts[:10], texts[-20:])) == 10


def test_another_order_splits_alike() -> None:
    rng = random.Random(1)
    documents = [Document(t, random_text(rng, 40), ()) for t in (*HELD, *OTHERS)]
    documents += [
        Document(f"{t} again", d.text + " more", ())
        for t, d in zip(OTHERS, documents, strict=False)
    ]
    split = split_documents(documents, SHARE)
    assert split.near_copies > 0
    rng.shuffle(documents)
    again = split_documents(documents, SHARE)
    assert {d.title for d in again.training} == {d.title for d in split.training}
    assert split_documents(documents, 0.0).training == tuple(documents)


def settings_for(path: Path, **data: object) -> Settings:
    return Settings(
        data=dataclasses.replace(DataConfig(documents=str(path), held_out=0.0), **data),  # type: ignore[arg-type]  # passed on by name
        run=RunConfig(steps=1),
    )


def test_documents_without_facts_are_told(
    tmp_path: Path, documents: list[Document], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "documents.jsonl"
    bare = [dataclasses.replace(document, facts=()) for document in documents]
    path.write_text("".join(as_line(d) + "\n" for d in bare), encoding="utf-8")
    training_documents(settings_for(path))
    assert f"{len(bare)} of {len(bare)} documents state no fact" in caplog.text
    assert "will never ask memory" in caplog.text
    caplog.clear()
    training_documents(settings_for(path, plain=True))  # the baseline looks nothing up anyway
    assert not caplog.text
    path.write_text("".join(as_line(d) + "\n" for d in documents), encoding="utf-8")
    training_documents(settings_for(path))
    assert "never ask" not in caplog.text


def test_nothing_left_to_train_on_is_refused(tmp_path: Path, documents: list[Document]) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_text("".join(as_line(d) + "\n" for d in documents), encoding="utf-8")
    with pytest.raises(NothingToLearn, match="held out"):
        training_documents(settings_for(path, held_out=1.0))
