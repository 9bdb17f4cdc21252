"""N-Triples: what others make of our files, and we of theirs."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats import ntriples
from lamlam.memory_backends.fact_formats.fact_files import FactFile, write_facts
from lamlam.memory_backends.fact_formats.format import Item, LossReport
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef, PartialDate
from tests.memory_backends.any_facts import facts

XSD = "http://www.w3.org/2001/XMLSchema#"


def test_a_file_is_ordinary_rdf(tmp_path: Path) -> None:
    """One triple a fact, statements about those with a source; labels for people."""
    path = tmp_path / "facts.nt"
    items: list[Item] = [
        Assert(Fact(entity="Ada L", relation="born", value=PartialDate(1815, 12), source="x\ny")),
        Assert(Fact(entity="Ada L", relation="friend", value=EntityRef("Bob/é"))),
        Assert(Fact(entity="Ada L", relation="height", value=Decimal("1.650"), namespace=("me",))),
        AddAlias("Ada L", "countess"),
        DefineRelation(RelationRule("friend", inverse="friend")),
    ]
    write_facts(items, str(path))
    assert path.read_text(encoding="utf-8").splitlines() == [
        '<urn:lamlam:entity:Ada%20L> <http://www.w3.org/2000/01/rdf-schema#label> "Ada L" .',
        "_:f0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
        " <http://www.w3.org/1999/02/22-rdf-syntax-ns#Statement> .",
        "_:f0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#subject> <urn:lamlam:entity:Ada%20L> .",
        "_:f0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#predicate> <urn:lamlam:relation:born> .",
        f'_:f0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#object> "1815-12"^^<{XSD}gYearMonth> .',
        '_:f0 <urn:lamlam:source> "x\\ny" .',
        f'<urn:lamlam:entity:Ada%20L> <urn:lamlam:relation:born> "1815-12"^^<{XSD}gYearMonth> .',
        "<urn:lamlam:entity:Ada%20L> <urn:lamlam:relation:friend>"
        " <urn:lamlam:entity:Bob%2F%C3%A9> .",
        '<urn:lamlam:entity:me/Ada%20L> <http://www.w3.org/2000/01/rdf-schema#label> "Ada L" .',
        f'<urn:lamlam:entity:me/Ada%20L> <urn:lamlam:relation:height> "1.650"^^<{XSD}decimal> .',
        '<urn:lamlam:entity:Ada%20L> <http://www.w3.org/2004/02/skos/core#altLabel> "countess" .',
        '<urn:lamlam:relation:friend> <urn:lamlam:cardinality> "many" .',
        '<urn:lamlam:relation:friend> <urn:lamlam:type> "entity" .',
        "<urn:lamlam:relation:friend> <http://www.w3.org/2002/07/owl#inverseOf>"
        " <urn:lamlam:relation:friend> .",
    ]


@settings(max_examples=60)
@given(st.lists(facts(), max_size=4))
def test_others_read_each_line(given: list[Fact]) -> None:
    """rdflib's own parser finds every fact's triple."""
    file = io.BytesIO()
    ntriples.write(map(Assert, given), file, LossReport())
    normal, rdflib.NORMALIZE_LITERALS = rdflib.NORMALIZE_LITERALS, False
    try:
        graph = rdflib.Graph().parse(data=file.getvalue(), format="nt")
    finally:
        rdflib.NORMALIZE_LITERALS = normal
    about = {str(subject) for subject in graph.subjects() if isinstance(subject, rdflib.URIRef)}
    assert len(about) == len({(fact.entity, fact.namespace) for fact in given})


def test_lines_in_another_order(tmp_path: Path) -> None:
    """Sorted, as tools leave them, a file still holds the same facts."""
    given = [
        Fact(entity="B", relation="r", value="x", source="s", valid_from="2001"),
        Fact(entity="A", relation="r", value="y", sources=("t", "u")),
        Fact(entity="A", relation="q", value="z"),
        Fact(entity="A", relation="q", value="z", valid_from="1999", valid_to="2000"),
    ]
    path = tmp_path / "facts.nt"
    write_facts(given, str(path))
    path.write_text("".join(sorted(path.read_text().splitlines(keepends=True))))
    read = [item.fact for item in FactFile(str(path)) if isinstance(item, Assert)]
    assert sorted(map(str, read)) == sorted(map(str, given))


FOREIGN = f"""# a comment

<http://dbpedia.org/resource/Ada_Lovelace> <http://dbpedia.org/ontology/birthPlace> <http://dbpedia.org/resource/London> .
<http://dbpedia.org/resource/Ada_Lovelace> <http://xmlns.com/foaf/0.1/name> "Ada"@en .
<http://www.wikidata.org/entity/Q7259> <http://www.wikidata.org/prop/direct/P569> "1815-12-10Z"^^<{XSD}date> .
<http://www.wikidata.org/entity/Q7259> <http://www.w3.org/2000/01/rdf-schema#label> "Ada de Lovelace"@fr .
<http://www.wikidata.org/entity/Q7259> <http://www.w3.org/2000/01/rdf-schema#label> "Ada Lovelace"@en-GB .
<http://www.wikidata.org/prop/direct/P569> <http://www.w3.org/2000/01/rdf-schema#label> "date of birth" .
<http://www.wikidata.org/entity/Q1> <http://x.org/a#b> "1"^^<{XSD}int>\t.
<http://www.wikidata.org/entity/Q2> <http://www.w3.org/2000/01/rdf-schema#label> "ada lovelace" .
<http://www.wikidata.org/entity/Q2> <http://x.org/a#b> "2.50"^^<{XSD}double> . # a ship
<http://www.wikidata.org/entity/Q2> <http://x.org/when> "2001-01-01T00:00:00Z"^^<{XSD}dateTime> .
<http://www.wikidata.org/entity/Q2> <http://x.org/a%20b/c> "\\u00e9\\t\\\\u00e9" .
"""


@pytest.mark.parametrize("is_piped", [False, True])
def test_files_of_others(tmp_path: Path, is_piped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are labels, English ones first, or ends of IRIs, and never one for two things."""
    path = tmp_path / "facts.nt"
    path.write_text(FOREIGN, encoding="utf-8")
    if is_piped:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(FOREIGN.encode())))
    file = FactFile("-" if is_piped else str(path), format="nt")
    facts = [item.fact for item in file if isinstance(item, Assert)]
    assert [(fact.entity, fact.relation, fact.value) for fact in facts] == [
        ("Ada Lovelace (dbpedia.org)", "birthPlace", EntityRef("London")),
        ("Ada Lovelace (dbpedia.org)", "name", "Ada"),
        ("Ada Lovelace (Q7259)", "date of birth", PartialDate(1815, 12, 10)),
        ("Q1", "b", 1),
        ("ada lovelace (Q2)", "b", Decimal("2.50")),
        ("ada lovelace (Q2)", "when", PartialDate(2001, 1, 1)),
        ("ada lovelace (Q2)", "c", "é\t\\u00e9"),
    ]


A, R = "<urn:lamlam:entity:A>", "<urn:lamlam:relation:r>"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no triple", "line 2: invalid fact: the line is not N-Triples"),
        (f'{A} {R} "x"', "not N-Triples"),
        (f'{A} {R} "x" . "y"', "not N-Triples"),
        (f'"x" {R} {A} .', "not N-Triples"),
        (f"_:b0 {R} {A} .", "line 2: invalid fact: it is about a blank node"),
        (f"{A} {R} _:b0 .", "blank node"),
        (f'{A} {R} "" .', "value must not be empty"),
        (f'{A} {R} "x\\uD800" .', "half a surrogate"),
        (f'{A} {R} "\\U00110000" .', "not N-Triples"),
        (f'<urn:lamlam:entity:%FF> {R} "x" .', "is not percent-encoded UTF-8"),
        (f'{A} {R} "x"^^<{XSD}integer> .', "is not a value of type integer"),
        (f'{A} {R} "NaN"^^<{XSD}double> .', "must be finite"),
        (f'{A} {R} "soon"^^<{XSD}date> .', "is not a date"),
        (f'{A} {R} "m"^^<urn:lamlam:quantity> .', "is not a number"),
        (f'{A} {R} "2"^^<{XSD}boolean> .', "is not a boolean"),
        (f"{A} {R} <urn:lamlam:entity:me/B> .", "another namespace"),
        (f"_:s <{RDF}subject> {A} .", "line 2: invalid fact: the statement is not whole"),
        (f'{R} <urn:lamlam:cardinality> "two" .', "cardinality must be"),
    ],
)
def test_faults(tmp_path: Path, line: str, said: str) -> None:
    """By line; the rest can be read all the same."""
    path = tmp_path / "facts.nt"
    good = f'{A} {R} "good" .'
    path.write_text(f"{good}\n{line}\n{good}\n")
    with pytest.raises(BadFact) as caught:
        list(FactFile(str(path)))
    assert said in str(caught.value)
    lenient = FactFile(str(path), skip_invalid=True)
    list(lenient)
    assert lenient.rejected == 1
