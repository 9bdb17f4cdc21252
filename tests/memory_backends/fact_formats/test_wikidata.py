"""Dumps of Wikidata: direct properties by their labels, aliases, dates; and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.memory_backends.fact_formats.fact_files import FactFile
from lamlam.memory_backends.fact_formats.rdf_literals import value_of_literal
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert
from lamlam.memory_backends.model.values import EntityRef, PartialDate
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.memory_backends.transfer import put

PREFIXES = """
@prefix wd: <http://www.wikidata.org/entity/> .
@prefix wdt: <http://www.wikidata.org/prop/direct/> .
@prefix p: <http://www.wikidata.org/prop/> .
@prefix ps: <http://www.wikidata.org/prop/statement/> .
@prefix pq: <http://www.wikidata.org/prop/qualifier/> .
@prefix s: <http://www.wikidata.org/entity/statement/> .
@prefix data: <https://www.wikidata.org/wiki/Special:EntityData/> .
@prefix wikibase: <http://wikiba.se/ontology#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix schema: <http://schema.org/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
ADA = """
data:Q1 a schema:Dataset ; schema:about wd:Q1 ; schema:version "5"^^xsd:integer .
wd:Q1 a wikibase:Item ; rdfs:label "Ada Quill"@en, "Ada Feder"@de ; skos:prefLabel "Ada Quill"@en ;
  schema:name "Ada Quill"@en ; schema:description "English miller"@en, "Müllerin"@de ;
  skos:altLabel "The Miller"@en, "Die Müllerin"@de ;
  wdt:P19 wd:Q84 ; wdt:P569 "1815-12-10T00:00:00Z"^^xsd:dateTime ; wdt:P26 _:u ; p:P19 s:Q1-a ;
  wdt:P570 <http://www.wikidata.org/.well-known/genid/1> .
s:Q1-a a wikibase:Statement ; ps:P19 wd:Q84 ; pq:P580 "1815-01-01T00:00:00Z"^^xsd:dateTime ;
  wikibase:rank wikibase:NormalRank .
<https://en.wikipedia.org/wiki/Ada_Quill> a schema:Article ; schema:about wd:Q1 ;
  schema:name "Ada Quill"@en .
wd:Q84 rdfs:label "London"@en, "Londres"@fr .
"""
PROPERTIES = """
wd:P19 a wikibase:Property ; rdfs:label "place of birth"@en, "Geburtsort"@de ;
  skos:altLabel "born in"@en ; wikibase:directClaim wdt:P19 ; wikibase:claim p:P19 .
p:P19 a owl:ObjectProperty .
wd:P569 rdfs:label "date of birth"@en .
"""


def _read(folder: Path, text: str, language: str = "en") -> FactFile:
    (folder / "a.ttl").write_text(PREFIXES + text, encoding="utf-8")
    return FactFile(str(folder / "a.ttl"), language=language)


def _facts(file: FactFile) -> list[tuple[object, ...]]:
    return [
        (item.fact.entity, item.fact.relation, item.fact.value)
        for item in file
        if isinstance(item, Assert)
    ]


@pytest.mark.parametrize("text", [ADA + PROPERTIES, PROPERTIES + ADA])
def test_facts_are_the_direct_properties(tmp_path: Path, text: str) -> None:
    """By the labels of the properties, wherever these stand; the rest is counted."""
    file = _read(tmp_path, text)
    assert _facts(file) == [
        ("Ada Quill", "description", "English miller"),
        ("Ada Quill", "place of birth", EntityRef("London")),
        ("Ada Quill", "date of birth", PartialDate(1815, 12, 10)),
    ]
    assert (file.qualified, file.notes) == (0, [])
    assert file.left_out == {
        "what is said of pages about entities": 6,
        "what Wikibase says of its own records": 2,
        "aliases in other languages": 1,
        "unknown values": 2,
        "statements of Wikibase in full (their direct properties are read)": 5,
        "what is said of properties": 5,
        "further labels": 3,
        "texts in other languages": 1,
    }


def test_names_are_those_of_the_language(tmp_path: Path) -> None:
    """Of entities, relations, texts and aliases; else English, else the first by the alphabet."""
    items = list(_read(tmp_path, ADA + PROPERTIES, "de"))
    facts = [item.fact for item in items if isinstance(item, Assert)]
    assert [(one.entity, one.relation) for one in facts] == [
        ("Ada Feder", "description"), ("Ada Feder", "Geburtsort"), ("Ada Feder", "date of birth"),
    ]  # fmt: skip
    assert [str(one.value) for one in facts[:2]] == ["Müllerin", "London"]
    assert items[-1] == AddAlias("Ada Feder", "Die Müllerin")


def test_a_property_without_a_label_keeps_its_number(tmp_path: Path) -> None:
    """And the import says what is missing."""
    file = _read(tmp_path, ADA)
    assert [relation for _, relation, _ in _facts(file)] == ["description", "P19", "P569"]
    (note,) = file.notes
    assert "2 of the relations have no label" in note and "'P19', 'P569'" in note


def test_other_wikibases_are_read_alike(tmp_path: Path) -> None:
    """By the shape of their IRIs."""
    text = (ADA + PROPERTIES).replace("wd:", "x:").replace("wdt:", "xt:")
    own = "@prefix x: <https://wb.example/entity/> .\n@prefix xt: <https://wb.example/prop/direct/> .\n"
    assert _facts(_read(tmp_path, own + text)) == _facts(_read(tmp_path, ADA + PROPERTIES))


def test_aliases_that_name_one_entity_are_kept(tmp_path: Path) -> None:
    """Not the name of another one, nor what two are called, nor of what has no facts."""
    text = """
    wd:Q1 rdfs:label "Ada"@en ; skos:altLabel "Countess"@en, "Bob"@en, "Both"@en, "ada"@en, "Q" ;
      wdt:P1 "x" .
    wd:Q2 rdfs:label "Bob"@en ; skos:altLabel "Both"@en, "Bobby"@en-gb ; wdt:P1 "y" .
    wd:Q3 rdfs:label "Cleo"@en ; skos:altLabel "Cleopatra"@en .
    """
    file = _read(tmp_path, text)
    aliases = [item for item in file if isinstance(item, AddAlias)]
    assert aliases == [AddAlias("Ada", "Countess"), AddAlias("Ada", "Q"), AddAlias("Bob", "Bobby")]
    assert file.left_out["aliases that name another entity, or one without facts"] == 5


def test_aliases_of_others_in_the_store_are_left_alone(tmp_path: Path) -> None:
    """An import does not fail for a name that another entity has; importing again changes nothing."""
    text = 'wd:Q1 rdfs:label "Ada"@en ; skos:altLabel "Bob", "Bobby", "Countess" ; wdt:P1 "x" .'
    with SyncFactStore("memory:") as store:
        store.apply([Assert(Fact(entity="Bob", relation="r", value="v")), AddAlias("Bob", "Bobby")])
        file = _read(tmp_path, text)
        assert put(store, file).facts == 2
        assert (store.aliases("Ada"), store.aliases("Bob")) == (["countess"], ["bobby"])
        assert file.left_out["aliases that name another entity, or one without facts"] == 2
        assert put(store, _read(tmp_path, text)).facts == 0


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1867-11-07T00:00:00Z", "dateTime", PartialDate(1867, 11, 7)),
        ("+1867-11-07T00:00:00Z", "dateTime", PartialDate(1867, 11, 7)),
        ("1867-11-07T00:00:00", "dateTime", PartialDate(1867, 11, 7)),
        ("1867-11-07T00:00:00.000+00:00", "dateTime", PartialDate(1867, 11, 7)),
        ("1867-11-00T00:00:00Z", "dateTime", PartialDate(1867, 11)),
        ("1867-00-00T00:00:00Z", "dateTime", PartialDate(1867)),
        ("-0044-03-15T00:00:00Z", "dateTime", PartialDate(-44, 3, 15)),
        ("1867-11-07T12:30:00Z", "dateTime", "1867-11-07T12:30:00Z"),
        ("1867-11-07T00:00:00+05:00", "dateTime", "1867-11-07T00:00:00+05:00"),
        ("-13798000000-01-01T00:00:00Z", "dateTime", "-13798000000-01-01T00:00:00Z"),
        ("yesterday", "dateTime", "yesterday"),
        ("1867", "gYear", PartialDate(1867)),
        ("-0044", "gYear", PartialDate(-44)),
        ("-13798000000", "gYear", "-13798000000"),
        ("1867-11", "gYearMonth", PartialDate(1867, 11)),
        ("-0044-03-15Z", "date", PartialDate(-44, 3, 15)),
    ],
)
def test_dates(text: str, kind: str, value: object) -> None:
    """The begin of a day is that day; what no date can hold stays text."""
    assert value_of_literal(text, f"http://www.w3.org/2001/XMLSchema#{kind}") == value


def test_addresses_of_the_web_are_text_and_not_entities(tmp_path: Path) -> None:
    text = """
        wd:Q1 rdfs:label "Ada Quill"@en ; wdt:P19 wd:Q84 ; wdt:P856 <https://www.quill.example/a?b=1> ;
          wdt:P18 <http://commons.wikimedia.org/wiki/Special:FilePath/Ada%20Quill.jpg> .
        wd:P856 rdfs:label "official website"@en . wd:P18 rdfs:label "image"@en .
        wd:P19 rdfs:label "place of birth"@en . wd:Q84 rdfs:label "London"@en .
        """
    assert sorted(_facts(_read(tmp_path, text)), key=str) == [
        (
            "Ada Quill",
            "image",
            "http://commons.wikimedia.org/wiki/Special:FilePath/Ada%20Quill.jpg",
        ),
        ("Ada Quill", "official website", "https://www.quill.example/a?b=1"),
        ("Ada Quill", "place of birth", EntityRef("London")),
    ]
    # In other files an IRI is a thing that has a name.
    other = "<http://a.example/Ada> <http://a.example/knows> <http://b.example/Bea> ."
    assert _facts(_read(tmp_path, other)) == [("Ada", "knows", EntityRef("Bea"))]
