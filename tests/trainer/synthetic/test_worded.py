"""Documents in anyone's words state what they were given, ask about what they have named."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import random
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from lamlam.errors import BadDocument, BadSettings
from lamlam.memory_backends.fact_formats.records import record_of
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef, PartialDate, Quantity
from lamlam.trainer.annotation.written_documents import document_line
from lamlam.trainer.augmentation import NO_AUGMENTATION, augment
from lamlam.trainer.documents import Document, parse_document
from lamlam.trainer.entity_names import find_name
from lamlam.trainer.lookup_format import UNKNOWN, LookupCall, PlainText
from lamlam.trainer.packing import encode_documents
from lamlam.trainer.settings import load_settings
from lamlam.trainer.synthetic.worded.__main__ import main
from lamlam.trainer.synthetic.worded.fact_lines import read_fact_lines
from lamlam.trainer.synthetic.worded.frames import (
    FOLDER,
    Frame,
    read_families,
    read_general_frames,
    variants_of,
)
from lamlam.trainer.synthetic.worded.invented import invented_entities
from lamlam.trainer.synthetic.worded.known import HeldEntity, facts_of_documents, held_entities
from lamlam.trainer.synthetic.worded.worded import ShapeWeights, WordedText, WordedWriter
from lamlam.trainer.tokenizer import LmlmTokenizer

N = 1500
MARKS = re.compile(r"\[(?:…|\.\.\.|\?|missing|blank|solution: )\]|->|=>|\b[QA]>", re.IGNORECASE)
"""What gaps and answers begin with."""
GIVEN = [
    ("Norland", "capital", "Osk"),
    ("Norland", "borders", "Vesk"),
    ("Norland", "borders", "Tarn"),
    ("Norland", "currency", "krone"),
    ("Norland", "moose count", "41,000"),
    ("Vesk", "capital", "Tun"),
    ("Vesk", "population", "80,211"),
    ("Ada Quill", "Birth Date", "4 May 1871"),
    ("Ada Quill", "Birth Place", "Osk"),
    ("Ada Quill", "Spouse", "Bo Lind"),
    ("Ada Quill", "occupation", "glazier"),
    ("Bo Lind", "education", "University of Tun"),
    ("Bo Lind", "death date", "1901"),
    ("The Tin Owl", "director", "Bo Lind"),
    ("The Tin Owl", "release year", "1931"),
    ("Mercury (planet)", "diameter", "4,879 km"),
    ("Mercury (element)", "chemical symbol", "Hg"),
    ("Owl & Sons", "headquarters", "Tarn"),
]


def write(entities: list[HeldEntity], seed: int, n: int = N, **settings: object) -> list[Document]:
    """Return documents from these facts alone."""
    wanted = WordedText(**{"invented": 0.0, **settings})  # type: ignore[arg-type]
    return list(WordedWriter(entities, wanted).documents(random.Random(seed), n))


@pytest.fixture(scope="module")
def given() -> list[Document]:
    return write(held_entities(GIVEN, {"Ada Quill": "she"}), 3)


@pytest.fixture(scope="module")
def invented() -> list[Document]:
    return write([], 4)


@pytest.fixture(scope="module", params=["given", "invented"])
def worded(request: pytest.FixtureRequest) -> list[Document]:
    documents: list[Document] = request.getfixturevalue(request.param)
    return documents


def test_every_value_stands_where_its_offset_says(worded: list[Document]) -> None:
    for document in worded:
        end = 0
        for fact in document.facts:
            assert document.text.startswith(fact.value, fact.at)
            assert fact.at >= end, document.text
            end = fact.at + len(fact.value)


def test_a_lookup_asks_about_what_the_text_named_before(worded: list[Document]) -> None:
    for document in worded:
        asked = [(one.entity, one.at) for one in document.facts]
        asked += [(one.entity, one.at) for one in document.unanswered]
        for entity, at in asked:
            assert find_name(entity, document.text[:at]) >= 0, (entity, document.text)


def test_only_given_facts_are_stated(given: list[Document]) -> None:
    """In the given order of values, or from the value's side, under any name of the relation."""
    forth: dict[tuple[str, str], list[str]] = {}
    for entity, relation, value in GIVEN:
        forth.setdefault((entity.lower(), family_of(relation)), []).append(value)
    entities = {entity.lower(): entity for entity, _, _ in GIVEN}
    back = {
        (value.lower(), entity.lower())
        for entity, relation, value in GIVEN
        if any(f.inverse for f in read_families() if relation.lower() in f.names)
    }
    n_back = 0
    for document in given:
        asked: dict[tuple[str, str], int] = {}
        for fact in document.facts:
            if document.title == fact.entity and "(" in fact.entity:
                continue  # an entity with a qualifier put behind its name
            key = (fact.entity.lower(), family_of(fact.relation))
            if key not in forth and fact.entity.partition(" (")[0].lower() in entities:
                key = next((k for k in forth if fact.value in forth[k]), key)
            if key in forth:
                assert fact.value in forth[key]
                asked[key] = asked.get(key, 0) + 1
                if asked[key] > 1:
                    assert fact.value == forth[key][asked[key] - 1], document.text
            else:
                n_back += 1
                assert (fact.entity.lower(), fact.value.lower()) in back, (fact, document.text)
    assert n_back > 10


def family_of(relation: str) -> str:
    """Return the family that a name of a relation of the given facts belongs to."""
    name = relation.lower()
    stored = {relation.lower() for _, relation, _ in GIVEN}
    for family in read_families():
        if name in (*family.names, *family.nouns) and stored & set(family.names):
            return family.name
    return name


def test_nothing_of_a_frame_is_left(worded: list[Document]) -> None:
    for document in worded:
        text = MARKS.sub("", document.text)
        assert not re.search(r"[{}<>\0]|\[(?!\[)", text), document.text
        assert ".." not in text.replace("...", ""), document.text
        assert document.text == document.text.strip(" ")


def test_lookups_and_values_are_masked_and_names_learnt(
    worded: list[Document], tokenizer: LmlmTokenizer
) -> None:
    """No value counts in the loss, neither in a lookup nor in the text behind it."""
    for document in worded[:300]:
        pieces = list(augment(document, random.Random(0), NO_AUGMENTATION, {}))
        calls = [piece for piece in pieces if isinstance(piece, LookupCall)]
        answered = [call for call in calls if call.value != UNKNOWN]
        told = document.told or 0
        assert len(answered) == len(document.facts) - told
        assert len(calls) - len(answered) == len(document.unanswered)
        assert all(call.entity_in_loss for call in calls)
        text = "".join(piece.text for piece in pieces if isinstance(piece, PlainText))
        assert text == document.text
        masked = [p.text.strip() for p in pieces if isinstance(p, PlainText) and not p.in_loss]
        assert masked[:told] == [fact.value for fact in document.facts[:told]]
        encoded = encode_documents([pieces], tokenizer)[0]
        ids, ours = tokenizer.ids, encoded.tokens
        inside = False
        for token, counts in zip(ours, encoded.loss_mask, strict=True):
            inside = (inside or token == ids.return_) and token != ids.end
            assert not (inside and counts and token != ids.return_)


def test_the_same_seed_writes_the_same_documents() -> None:
    entities = held_entities(GIVEN)
    assert write(entities, 9, 80, invented=0.5) == write(entities, 9, 80, invented=0.5)
    assert write(entities, 9, 80) != write(entities, 10, 80)
    assert invented_entities(random.Random(2), 30) == invented_entities(random.Random(2), 30)


def test_the_order_of_settings_and_a_second_writer_change_nothing() -> None:
    entities = held_entities(GIVEN)
    writer = WordedWriter(entities, WordedText())
    first = list(writer.documents(random.Random(1), 40))
    list(writer.documents(random.Random(2), 40))
    assert list(writer.documents(random.Random(1), 40)) == first


@pytest.mark.parametrize("shape", [f for f in ShapeWeights.__dataclass_fields__])
def test_each_shape_can_be_had_alone(shape: str) -> None:
    weights = {name: float(name == shape) for name in ShapeWeights.__dataclass_fields__}
    documents = write(held_entities(GIVEN), 5, 40, shapes=ShapeWeights(**weights))
    assert len(documents) == 40
    assert sum(bool(d.facts) for d in documents) > 30
    assert len({d.text for d in documents}) > 12


def test_facts_that_memory_lacks_are_asked_for_in_vain() -> None:
    documents = write(held_entities(GIVEN), 6, 300, absent=0.5)
    asked = [one for document in documents for one in document.unanswered]
    assert len(asked) > 25
    held = {(entity.lower(), relation.lower()) for entity, relation, _ in GIVEN}
    for one in asked:
        assert (one.entity.lower(), one.relation) not in held
    never = write(held_entities(GIVEN), 6, 300, absent=0.0, shapes=ShapeWeights(table=0.0))
    assert not any(document.unanswered for document in never)


def test_names_of_relations_are_drawn_afresh_at_each_lookup(invented: list[Document]) -> None:
    families = {name: family.name for family in read_families() for name in family.names}
    names: dict[str, set[str]] = {}
    for document in invented:
        for fact in document.facts:
            if fact.relation in families:
                names.setdefault(families[fact.relation], set()).add(fact.relation)
    assert len(names) > 60
    assert sum(len(of_one) >= 4 for of_one in names.values()) > 40


def test_values_of_one_relation_keep_one_name() -> None:
    """The same key asked again gives the next value; another name would begin anew."""
    entities = held_entities([("Norland", "borders", v) for v in ("Vesk", "Tarn", "Ouse")])
    weights = {name: float(name == "notes") for name in ShapeWeights.__dataclass_fields__}
    for document in write(entities, 1, 60, shapes=ShapeWeights(**weights), absent=0.0):
        for _, group in itertools.groupby(document.facts, lambda fact: fact.entity):
            assert len({fact.relation for fact in group}) == 1


def test_every_family_has_ten_frames_and_more_than_sixty_families_are_known() -> None:
    families = read_families()
    assert len(families) >= 60
    assert len({family.name for family in families}) == len(families)
    for family in families:
        n = len(family.questions) + len(family.statements) + len(family.reversed)
        assert n >= 10, family.name
        assert len(family.questions) >= 4, family.name
        assert len(family.statements) >= 4, family.name
        assert len(family.names) >= 3, family.name
        assert bool(family.inverse) == bool(family.inverse_verbs)
    general = read_general_frames()
    assert len(general.questions) >= 10
    assert len(general.statements) >= 10


def test_frames_are_sentences_with_known_places() -> None:
    for frame in all_frames():
        text = "".join(frame.tokens)
        assert frame.tokens.count("{E}") == 1, text
        assert frame.tokens.count("{V}") <= 1
        assert text == " ".join(text.split())
        assert not re.search(r"\{(?!E\}|V\}|R\}|on\}|a\})|[<>|\[\]]", text), text
        assert text[-1] in ".?!,:)", text
        if "{on}" in frame.tokens or "{a}" in frame.tokens:
            assert frame.states, text


def all_frames() -> list[Frame]:
    return [
        frame
        for family in (*read_families(), read_general_frames())
        for variants in (*family.questions, *family.statements, *family.reversed)
        for frame in variants
    ]


def test_choices_are_all_made() -> None:
    assert ["".join(f.tokens) for f in variants_of("<A|B> of {E}[ now]?")] == [
        "A of {E} now?",
        "A of {E}?",
        "B of {E} now?",
        "B of {E}?",
    ]


def test_facts_of_documents_leave_out_what_no_sentence_can_hold() -> None:
    document = parse_document(
        json.dumps(
            {
                "title": "Ada Quill",
                "text": "Ada Quill was born in Osk. She has 3 owls.",
                "facts": [
                    ["Ada Quill", "Birth Place", "Osk"],
                    ["Ada Quill", "Type", "owls"],
                ],
                "at": [22, 37],
                "by": "rr",
                "person": True,
                "other_facts": [["Ada Quill", "Birth Date", "long ago"], ["A", "b", "c" * 99]],
            }
        )
    )
    (entity,) = facts_of_documents([document])
    assert (entity.name, entity.kind, entity.pronoun) == ("Ada Quill", "person", "she")
    assert [(fact.relation, fact.values) for fact in entity.facts] == [("birth place", ("Osk",))]


def test_cast_members_by_number_are_values_of_one_relation() -> None:
    (entity,) = held_entities([("Owl", "Cast Member", "A B"), ("Owl", "Cast Member 2", "C D")])
    assert entity.facts[0].values == ("A B", "C D")


def test_documents_are_written_and_read_again(invented: list[Document]) -> None:
    for document in invented[:200]:
        again = parse_document(document_line(document))
        assert again.text == document.text
        assert again.facts == document.facts
        assert (again.told, again.unanswered) == (document.told, document.unanswered)


def test_values_of_every_type_are_read_from_an_export(tmp_path: Path) -> None:
    """An export writes typed values, aliases and rules; a run stopped at its first typed value."""
    facts = [
        Fact(entity="Kulti", relation="country", value=EntityRef("India")),
        Fact(entity="Kulti", relation="country name", value=EntityRef("india"), surface="Indian"),
        Fact(entity="Kulti", relation="area", value=Quantity(Decimal(455), "km²")),
        Fact(entity="Kulti", relation="population", value=305405, surface="305,405"),
        Fact(entity="Kulti", relation="level", value=38),
        Fact(entity="Kulti", relation="ratio", value=Decimal("87.62")),
        Fact(entity="Kulti", relation="founded", value=PartialDate(1790, 2, 3)),
        Fact(entity="Kulti", relation="port", value=True),
        Fact(entity="Kulti", relation="motto", value="Onward"),
    ]
    rule = RelationRule("capital", cardinality="one")
    others: list[AddAlias | DefineRelation] = [
        AddAlias("Kulti", "Kulti Town"),
        DefineRelation(rule),
    ]
    items = [*map(Assert, facts), *others]
    path = tmp_path / "facts.jsonl"
    path.write_text("\n".join(json.dumps(record_of(item)) for item in items), encoding="utf-8")
    found = {relation: value for _, relation, value in read_fact_lines(path)}
    assert found == {fact.relation: fact.surface for fact in facts}


@pytest.mark.parametrize(
    "line",
    ["[]", '{"entity": "A", "relation": "b"}', '{"entity": 1, "relation": [], "value": "c"}', "x"],
)
def test_a_line_that_is_not_a_fact_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "facts.jsonl"
    path.write_text('{"entity": "A", "relation": "b", "value": 3}\n' + line, encoding="utf-8")
    with pytest.raises(BadDocument, match=r"facts\.jsonl, line 2 is not a fact"):
        list(read_fact_lines(path))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("worded = 11.0", "data.worded"),
        ("worded_text.absent = 2.0", "data.worded_text.absent"),
        ("worded_text.shapes.gap = -1.0", "data.worded_text.shapes.gap"),
        ("worded_text.shapes.gape = 1.0", "data.worded_text.shapes.gape"),
    ],
)
def test_wrong_settings_are_named(text: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(f'data.documents = "a"\nrun.steps = 1\ndata.{text}\n', encoding="utf-8")
    with pytest.raises(BadSettings, match=re.escape(named)):
        load_settings(path)


def test_all_files_of_frames_are_read() -> None:
    files = {path.stem for path in FOLDER.glob("*.txt")}
    assert files == {
        "people", "places", "works", "organisations", "nature", "events", "any_relation",
        "connecting_words", "invented",
    }  # fmt: skip


def test_documents_are_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "facts.jsonl"
    lines = [dict(zip(("entity", "relation", "value"), fact, strict=True)) for fact in GIVEN]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert main(["--facts", str(path), "-n", "5", "--json"]) == 0
    written = [parse_document(line) for line in capsys.readouterr().out.splitlines()]
    assert written == [parse_document(document_line(d)) for d in write(held_entities(GIVEN), 0, 5)]
    assert main(["-n", "30"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n---\n") == 30
    assert "[[ " in printed
    assert main(["--facts", str(tmp_path / "none.jsonl")]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_other_processes_write_the_same_documents(tmp_path: Path) -> None:
    """Whatever order their sets have: a resumed run must see the rows that it would have seen."""
    path = tmp_path / "facts.jsonl"
    lines = [dict(zip(("entity", "relation", "value"), fact, strict=True)) for fact in GIVEN]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    command = [sys.executable, "-m", "lamlam.trainer.synthetic.worded", "--facts", str(path)]
    printed = {
        subprocess.run(
            [*command, "-n", "60"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def test_facts_survive_the_way_to_another_process() -> None:
    """Where processes do not fork, the writer is sent to them."""
    writer = WordedWriter(held_entities(GIVEN), WordedText())
    sent = pickle.loads(pickle.dumps(writer))
    first, second = (list(w.documents(random.Random(8), 60)) for w in (writer, sent))
    assert first == second
