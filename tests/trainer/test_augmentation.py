"""A varied document keeps its facts in step with its text."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import replace

import pytest

from lamlam.errors import BadDocument
from lamlam.trainer.annotation.written_documents import document_line
from lamlam.trainer.augmentation import (
    NO_AUGMENTATION,
    Augmentation,
    augment,
    kinds_of,
    titles_by_kind,
)
from lamlam.trainer.documents import Document, StatedFact, parse_document
from lamlam.trainer.lookup_format import (
    UNKNOWN,
    LookupCall,
    Piece,
    PlainText,
    strip_lookups,
    write,
)
from lamlam.trainer.pronouns import pronoun_of

CURIE = Document(
    "Marie Curie (physicist)",
    "Marie Curie was born in Warsaw in 1867. Curie died in Passy.",
    (
        StatedFact("Marie Curie (physicist)", "Birth Place", "Warsaw", 24),
        StatedFact("Marie Curie (physicist)", "Birth Date", "1867", 34),
        StatedFact("Marie Curie (physicist)", "Death Place", "Passy", 54),
    ),
    is_person=True,
)


def test_without_changes_the_text_is_as_it_was() -> None:
    pieces = list(augment(CURIE, random.Random(0), NO_AUGMENTATION, {}))
    assert strip_lookups(write(pieces)) == CURIE.text
    assert write(pieces).startswith(
        "Marie Curie was born in<|db_entity|> Marie Curie<|db_relationship|> birth place"
        "<|db_return|> Warsaw<|db_end|> Warsaw in"
    )


def test_another_title_is_used_throughout() -> None:
    augmentation = Augmentation(other_title=1.0, plain_beginning=0.0, unknown=0.0)
    pieces = list(
        augment(CURIE, random.Random(0), augmentation, {kinds_of(CURIE)[1]: ["Ada Lovelace"]})
    )
    assert strip_lookups(write(pieces)) == (
        "Ada Lovelace was born in Warsaw in 1867. Lovelace died in Passy."
    )
    assert {p.entity for p in pieces if isinstance(p, LookupCall)} == {"Ada Lovelace"}


def test_values_of_a_plain_beginning_are_not_learnt() -> None:
    augmentation = Augmentation(other_title=0.0, plain_beginning=1.0, unknown=0.0)
    for seed in range(20):
        pieces = list(augment(CURIE, random.Random(seed), augmentation, {}))
        looked_up = {p.value for p in pieces if isinstance(p, LookupCall)}
        unlearnt = {p.text.strip() for p in pieces if isinstance(p, PlainText) and not p.in_loss}
        assert looked_up | unlearnt == {"Warsaw", "1867", "Passy"}
        assert not looked_up & unlearnt
        assert "Warsaw" in unlearnt  # the first fact goes first


def test_text_after_an_unknown_answer_is_not_learnt() -> None:
    augmentation = Augmentation(other_title=0.0, plain_beginning=0.0, unknown=1.0)
    pieces = list(augment(CURIE, random.Random(0), augmentation, {}))
    assert {p.value for p in pieces if isinstance(p, LookupCall)} == {UNKNOWN}
    assert [p.text for p in pieces if isinstance(p, PlainText) and not p.in_loss] == [
        " Warsaw", " 1867", " Passy",
    ]  # fmt: skip


def test_an_entity_is_learnt_only_after_the_text_has_named_it() -> None:
    late = Document(
        "Ada King", "In 1815 Ada King was born.", (StatedFact("Ada King", "Born", "1815", 3),)
    )
    (call,) = [
        p for p in augment(late, random.Random(0), NO_AUGMENTATION, {}) if isinstance(p, LookupCall)
    ]
    assert not call.entity_in_loss
    assert all(
        p.entity_in_loss
        for p in augment(CURIE, random.Random(0), NO_AUGMENTATION, {})
        if isinstance(p, LookupCall)
    )


def test_texts_of_many_draws_hold_every_value(documents: list[Document]) -> None:
    titles = titles_by_kind(documents)
    for seed, document in enumerate(documents):
        pieces = list(augment(document, random.Random(seed), Augmentation(unknown=0.0), titles))
        text = strip_lookups(write(pieces))
        assert all(fact.value in text for fact in document.facts)


def fact(text: str, entity: str, relation: str, value: str) -> StatedFact:
    return StatedFact(entity, relation, value, text.index(value))


ACME_TEXT = (
    "Acme Robotics was founded by Ada Quill, who was born in Lowmere and led Acme Robotics "
    "until 1970. It is based in Dunholt."
)
ACME = Document(
    "Acme Robotics (company)",
    ACME_TEXT,
    (
        fact(ACME_TEXT, "acme robotics", "Founder", "Ada Quill"),
        fact(ACME_TEXT, "Ada Quill (engineer)", "Birth Place", "Lowmere"),
        StatedFact("Ada Quill", "Employer", "Acme Robotics", ACME_TEXT.rindex("Acme Robotics")),
        fact(ACME_TEXT, "Acme Robotics", "Seat", "Dunholt"),
    ),
)


def calls(pieces: Iterable[Piece]) -> list[LookupCall]:
    return [piece for piece in pieces if isinstance(piece, LookupCall)]


def test_a_fact_about_another_entity_asks_about_that_entity() -> None:
    found = calls(augment(ACME, random.Random(0), NO_AUGMENTATION, {}))
    assert [(c.entity, c.relation, c.value) for c in found] == [
        ("Acme Robotics", "founder", "Ada Quill"),
        ("Ada Quill", "birth place", "Lowmere"),
        ("Ada Quill", "employer", "Acme Robotics"),
        ("Acme Robotics", "seat", "Dunholt"),
    ]
    assert all(c.entity_in_loss for c in found)


def test_another_entity_is_learnt_only_after_the_text_has_named_it() -> None:
    text = "In 1907 Ada Quill was born. Acme Robotics is hers; Bo led it from 1930."
    document = Document(
        "Acme Robotics",
        text,
        (
            fact(text, "Ada Quill", "Born", "1907"),
            fact(text, "Bo Ferrin", "Took Office", "1930"),
        ),
    )
    found = calls(augment(document, random.Random(0), NO_AUGMENTATION, {}))
    assert [(c.entity, c.entity_in_loss) for c in found] == [
        ("Ada Quill", False),
        ("Bo Ferrin", False),
    ]


def test_renaming_the_title_leaves_facts_of_others_alone() -> None:
    other = Augmentation(other_title=1.0, plain_beginning=0.0, unknown=0.0)
    pieces = list(augment(ACME, random.Random(0), other, {kinds_of(ACME)[1]: ["Zeta Works"]}))
    assert strip_lookups(write(pieces)) == ACME_TEXT.replace("Acme Robotics", "Zeta Works")
    assert [(c.entity, c.value) for c in calls(pieces)] == [
        ("Zeta Works", "Ada Quill"),
        ("Ada Quill", "Lowmere"),
        ("Ada Quill", "Zeta Works"),
        ("Zeta Works", "Dunholt"),
    ]


def test_a_title_that_the_text_names_already_is_not_borrowed() -> None:
    other = Augmentation(other_title=1.0, plain_beginning=0.0, unknown=0.0)
    pieces = list(augment(ACME, random.Random(0), other, {kinds_of(ACME)[1]: ["Ada Quill"]}))
    assert strip_lookups(write(pieces)) == ACME_TEXT


def test_a_relative_with_the_same_surname_keeps_it() -> None:
    text = "Ada Quill married Bo Quill in 1930. Bo Quill died in Lowmere. Quill left."
    document = Document(
        "Ada Quill",
        text,
        (
            fact(text, "Ada Quill", "Spouse", "Bo Quill"),
            fact(text, "Bo Quill", "Death Place", "Lowmere"),
        ),
        is_person=True,
    )
    other = Augmentation(other_title=1.0, plain_beginning=0.0, unknown=0.0)
    pieces = list(augment(document, random.Random(0), other, {kinds_of(document)[1]: ["Ib Dorn"]}))
    assert strip_lookups(write(pieces)) == (
        "Ib Dorn married Bo Quill in 1930. Bo Quill died in Lowmere. Dorn left."
    )
    assert [c.entity for c in calls(pieces)] == ["Ib Dorn", "Bo Quill"]


def test_a_work_named_like_its_maker_keeps_the_maker() -> None:
    text = "Quillon is an album by Quillon. Quillon sold well."
    document = Document(
        "Quillon (album)", text, (StatedFact("Quillon (album)", "Performer", "Quillon", 23),)
    )
    other = Augmentation(other_title=1.0, plain_beginning=0.0, unknown=0.0)
    pieces = list(augment(document, random.Random(0), other, {kinds_of(document)[1]: ["Dorna"]}))
    assert strip_lookups(write(pieces)) == "Dorna is an album by Quillon. Dorna sold well."
    assert [(c.entity, c.value) for c in calls(pieces)] == [("Dorna", "Quillon")]


def test_a_title_with_a_value_inside_is_not_exchanged() -> None:
    text = "The 1956 Lowmere election was close. Dorn won the 1956 Lowmere election."
    document = Document(
        "1956 Lowmere election", text, (StatedFact("1956 Lowmere election", "Date", "1956", 4),)
    )
    other = Augmentation(other_title=1.0, plain_beginning=0.0, unknown=0.0)
    pieces = list(augment(document, random.Random(0), other, {kinds_of(document)[1]: ["Zeta"]}))
    assert strip_lookups(write(pieces)) == text


@pytest.mark.parametrize(
    ("text", "facts", "is_person", "pronoun"),
    [
        ("Ada Quill sang. She won.", (), True, "she"),
        ("Ada Quill met Bo, and he sang. She won. His song lost. Her song won.", (), True, "she"),
        ("Ib Dorn sang with his sister.", (), True, "he"),
        ("Ib Dorn was an actress.", (), True, "she"),
        ("Ib Dorn is the son of Ada Quill.", (), True, "he"),
        ("Ib Dorn sang.", (), True, ""),
        ("Ib Dorn sang. He won.", (("Ib Dorn", "Gender", "female"),), True, "she"),
        ("Quillon is a town. It has a river.", (), False, "it"),
        ("Quillon is a band. They toured.", (), False, "they"),
        ("Ib Dorn sang. He won.", (), False, "he"),
        ("His Way is a song. It won.", (), False, "it"),
        ("Quillon is a film in which he and she meet.", (), False, ""),
    ],
)
def test_the_pronoun_of_a_document(
    text: str, facts: tuple[tuple[str, str, str], ...], is_person: bool, pronoun: str
) -> None:
    title = text.split(" is ")[0] if not is_person else "Ib Dorn"
    assert pronoun_of(Document(title, text, (), facts, is_person=is_person)) == pronoun


def test_titles_are_exchanged_within_one_pronoun() -> None:
    women = [
        Document(f"Ada Q{chr(97 + n)}", f"Ada Q{chr(97 + n)} sang. She won.", (), is_person=True)
        for n in range(25)
    ]
    men = [
        Document(f"Ib D{chr(97 + n)}", f"Ib D{chr(97 + n)} sang. He won.", (), is_person=True)
        for n in range(25)
    ]
    unknown = [
        Document(f"Yo R{chr(97 + n)}", f"Yo R{chr(97 + n)} sang.", (), is_person=True)
        for n in range(25)
    ]
    titles = titles_by_kind([*women, *men, *unknown])
    other = Augmentation(other_title=1.0, plain_beginning=0.0, unknown=0.0)
    rng = random.Random(0)
    for group, given in ((women, "Ada Q"), (men, "Ib D"), (unknown, "Yo R")):
        for document in group:
            text = strip_lookups(write(augment(document, rng, other, titles)))
            assert text.startswith(given)
            assert text.endswith(document.text.split(" sang")[1])


def test_notes_of_many_files_exchange_titles_like_those_of_one() -> None:
    """Each file of a folder is a source of its own, too small to exchange titles within."""
    notes = [
        replace(document, source=f"note {i}.txt")
        for i, document in enumerate(
            Document(f"Ship {name}", f"Ship {name} is old. It sank.", ())
            for name in "Able Baker Charlie Dog Easy Fox George How Item Jig King Love Mike Nan "
            "Oboe Peter Queen Roger Sugar Tare".split()
        )
    ]
    other = Augmentation(other_title=1.0, plain_beginning=0.0, unknown=0.0)
    titles = titles_by_kind(notes)
    texts = {write(augment(notes[0], random.Random(seed), other, titles)) for seed in range(50)}
    assert len(texts) > 10
    assert {text.partition(" is")[0] for text in texts} <= {note.title for note in notes}
    # Where its own source has enough, those of others are not used.
    large = [replace(note, source="large") for note in notes]
    strange = [
        replace(note, title=f"{note.title} II", text=f"{note.title} II is old. It sank.")
        for note in notes
    ]
    titles = titles_by_kind([*large, *strange])
    texts = {write(augment(large[0], random.Random(seed), other, titles)) for seed in range(50)}
    assert not any(" II" in text for text in texts)


def test_relations_are_looked_up_under_other_names_of_theirs() -> None:
    document = parse_document(
        json.dumps(
            {
                "title": "The Tin Owl",
                "text": "The Tin Owl is a 1931 film by Bo Lind, and 12 owls were hurt.",
                "facts": [
                    ["The Tin Owl", "Release Year", "1931"],
                    ["The Tin Owl", "Director", "Bo Lind"],
                    ["The Tin Owl", "Owls Hurt", "12"],
                ],
                "at": [17, 30, 43],
            }
        )
    )
    wanted = Augmentation(0.0, 0.0, 0.0, other_relation=1.0)
    names: list[set[str]] = [set(), set(), set()]
    rng = random.Random(0)
    for _ in range(60):
        calls = [p for p in augment(document, rng, wanted, {}) if isinstance(p, LookupCall)]
        for seen, call in zip(names, calls, strict=True):
            seen.add(call.relation)
        assert [call.value for call in calls] == ["1931", "Bo Lind", "12"]
    assert {"release year", "year of release", "came out"} <= names[0]
    assert {"director", "directed by"} <= names[1]
    assert not names[1] & {"chief executive", "ceo"}, "that is the director of a firm"
    assert names[2] == {"owls hurt"}


def test_a_document_that_says_what_it_tells_is_taken_as_it_is() -> None:
    line = {
        "title": "Ada Quill",
        "text": "Ada Quill, born in Osk, a town; Ada Quill, a glazier of Tarn.",
        "facts": [["Ada Quill", "birth place", "Osk"], ["Ada Quill", "occupation", "glazier"]],
        "at": [19, 45],
        "person": True,
        "told": 1,
        "unanswered": [["Ada Quill", "residence", 56]],
    }
    document = parse_document(json.dumps(line))
    assert document_line(document) == document_line(parse_document(document_line(document)))
    titles = {kind: [f"Cara Voss{n}" for n in range(30)] for kind in kinds_of(document)}
    always = Augmentation(other_title=1.0, plain_beginning=1.0, unknown=0.0)
    pieces = list(augment(document, random.Random(0), always, titles))
    assert write(pieces) == (
        "Ada Quill, born in Osk, a town; Ada Quill, a"
        "<|db_entity|> Ada Quill<|db_relationship|> occupation<|db_return|> glazier<|db_end|>"
        " glazier of<|db_entity|> Ada Quill<|db_relationship|> residence<|db_return|> unknown"
        "<|db_end|> Tarn."
    )
    assert [p.text for p in pieces if isinstance(p, PlainText) and not p.in_loss] == [" Osk"]


@pytest.mark.parametrize(
    "more",
    [
        {"told": -1}, {"told": True}, {"told": "1"}, {"unanswered": [["A", "b"]]},
        {"unanswered": [["A", "b", 99]]}, {"unanswered": [["A", 1, 0]]}, {"unanswered": ["Abc"]},
        {"unanswered": [["A", "b", -1]]},
    ],
)  # fmt: skip
def test_wrong_marks_of_a_document_are_named(more: dict[str, object]) -> None:
    line = {"title": "A", "text": "A b.", "facts": [], "at": []}
    with pytest.raises(BadDocument, match="line 1 is not a training document"):
        parse_document(json.dumps({**line, **more}))
