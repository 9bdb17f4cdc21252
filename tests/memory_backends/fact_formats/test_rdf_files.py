"""RDF of other people in every syntax: what is read, what is counted, what is refused."""

from __future__ import annotations

import bz2
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import BadFact, NotSupported
from lamlam.memory_backends.fact_formats import rdf_guards
from lamlam.memory_backends.fact_formats.fact_files import FactFile, write_facts
from lamlam.memory_backends.fact_formats.registry import FORMATS
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.model.values import EntityRef, PartialDate, surface_of
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.memory_backends.transfer import contents, put

X = "http://example.org/"
XSD = "http://www.w3.org/2001/XMLSchema#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
PREFIXES = f"@prefix x: <{X}> .\n@prefix xsd: <{XSD}> .\n@prefix rdf: <{RDF}> .\n@prefix rdfs: <{RDFS}> .\n"


def _file(folder: Path, text: str, name: str = "facts.ttl", **options: Any) -> FactFile:
    path = folder / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return FactFile(str(path), **options)


def _facts(file: FactFile) -> list[Fact]:
    return [item.fact for item in file if isinstance(item, Assert)]


def _triples(facts: list[Fact]) -> list[tuple[str, str, object]]:
    return [(fact.entity, fact.relation, fact.value) for fact in facts]


SYNTAXES = {
    "nt": f'<{X}Ada> <{X}height> "1.50"^^<{XSD}decimal> .\n<{X}Ada> <{X}friend> <{X}Bob> .\n',
    "nq": f'<{X}Ada> <{X}height> "1.50"^^<{XSD}decimal> .\n<{X}Ada> <{X}friend> <{X}Bob> .\n',
    "ttl": f"@prefix x: <{X}> .\nx:Ada x:height 1.50 ;\n x:friend x:Bob .\n",
    "trig": f"@prefix x: <{X}> .\n{{ x:Ada x:height 1.50 ;\n x:friend x:Bob . }}\n",
    "jsonld": f'{{"@context": {{"@vocab": "{X}"}}, "@id": "{X}Ada",\n"height": {{"@value": "1.50",'
    f' "@type": "{XSD}decimal"}}, "friend": {{"@id": "{X}Bob"}}}}',
    "rdf": f'<rdf:RDF xmlns:rdf="{RDF}" xmlns:x="{X}">\n<rdf:Description rdf:about="{X}Ada">'
    f'<x:height rdf:datatype="{XSD}decimal">1.50</x:height><x:friend rdf:resource="{X}Bob"/>'
    "</rdf:Description></rdf:RDF>",
}


@pytest.mark.parametrize("name", SYNTAXES)
def test_every_syntax(name: str, tmp_path: Path) -> None:
    """The same two facts, the number as it is written."""
    file = _file(tmp_path, SYNTAXES[name], f"facts.{name}")
    facts = _facts(file)
    assert _triples(facts) == [
        ("Ada", "height", Decimal("1.50")),
        ("Ada", "friend", EntityRef("Bob")),
    ]
    assert facts[0].surface == "1.50"
    assert (file.notes, file.left_out) == ([], {})


@pytest.mark.parametrize(
    ("suffix", "format"),
    [("turtle", "ttl"), ("nquads", "nq"), ("owl", "rdf"), ("ttl.gz", "ttl"), ("rdf.bz2", "rdf")],
)
def test_suffixes(suffix: str, format: str) -> None:
    """Also packed; a format is also named by them."""
    assert FactFile(f"a.{suffix}").format == format
    assert FactFile("a", format=suffix.partition(".")[0]).format == format


def test_bzip2(tmp_path: Path) -> None:
    """Written, read, and refused where it is cut."""
    path = tmp_path / "facts.nt.bz2"
    fact = Fact(entity="Ada", relation="job", value="x")
    write_facts([fact], str(path))
    assert _facts(FactFile(str(path))) == [fact]
    path.write_bytes(bz2.compress(b"x" * 9000)[:-9])
    with pytest.raises(BadFact, match="cannot be unpacked"):
        list(FactFile(str(path)))
    path.write_bytes(b"no archive")
    with pytest.raises(BadFact, match="cannot be unpacked"):
        list(FactFile(str(path)))


def test_some_are_only_read(tmp_path: Path) -> None:
    """The error names the others, and no file is made."""
    with pytest.raises(NotSupported, match="rdf is only read"):
        write_facts([], str(tmp_path / "facts.rdf"))
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of rdflib's own readers
@pytest.mark.parametrize("name", ["nt", "nq", "ttl", "trig"])
def test_what_is_written_is_read_by_another_parser(name: str, tmp_path: Path) -> None:
    """N-Triples are a part of each of these syntaxes."""
    path = tmp_path / f"facts.{name}"
    write_facts([Fact(entity="é(", relation="r s", value='"\\\n', source="b")], str(path))
    format = {"nq": "nquads", "ttl": "turtle"}.get(name, name)
    graph = rdflib.Dataset().parse(data=path.read_bytes(), format=format)
    assert sum(1 for _ in graph) == 7


# Names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("iri", "name"),
    [
        ("http://dbpedia.org/resource/Volt/Amp", "Volt/Amp"),
        (f"{X}resource/Star_Path:_Farhaven", "Star Path: Farhaven"),
        (f"{X}films/Star_Path:_Farhaven", "Star Path: Farhaven"),
        ("http://www.wikidata.org/entity/Q42", "Q42"),
        ("https://en.wikipedia.org/wiki/AC/DC", "AC/DC"),
        ("https://en.wikipedia.org/wiki/Category:Mills", "Category:Mills"),
        ("https://schema.org/Person", "Person"),
        ("http://yago-knowledge.org/resource/Ada_Quill", "Ada Quill"),
        ("http://dbpedia.org/resource/C%23", "C#"),
        ("http://dbpedia.org/resource/Volt%2FAmp", "Volt/Amp"),
        (f"{X}caf%C3%A9", "café"),
        (f"{X}caf%E9", "caf%E9"),
        (f"{X}Ada/", "Ada"),
        (f"{X}page?id=5&up=a/b", "page?id=5&up=a/b"),
        (f"{X}people#Ada", "Ada"),
        (f"{X}people/Ada#me", "Ada"),
        (f"{X}doc#", "doc"),
        (f"{X}#", "example.org"),
        ("http://www.example.org", "example.org"),
        ("http://xn--mnchen-3ya.example/", "münchen.example"),
        (f"{X}_", "example.org"),
        ("urn:isbn:0451450523", "0451450523"),
        ("urn:film:Star_Path:_Farhaven", "Star Path: Farhaven"),
        ("file:///home/ada/notes.txt", "notes.txt"),
        ("mailto:ada@example.org", "ada@example.org"),
        ("doi:10.1000/182", "10.1000/182"),
        ("x:", "x:"),
    ],
)
def test_names_of_iris(iri: str, name: str, tmp_path: Path) -> None:
    """What stands behind a known stem, or else behind the last slash, as people write it."""
    file = _file(tmp_path, f'<{iri}> <{X}p> "v" .\n', "facts.nt")
    (fact,) = _facts(file)
    assert fact.entity == name
    assert (fact.sources, file.notes) == ((f"<{iri.replace('%C3%A9', 'é')}>",), [])


@pytest.mark.parametrize(
    ("iris", "names"),
    [
        (["planet/Mercury", "element/Mercury"], ["Mercury (planet)", "Mercury (element)"]),
        (["planets#Mercury", "elements#Mercury"], ["Mercury (planets)", "Mercury (elements)"]),
        (["a/x/Mercury", "b/x/Mercury", "c/y/Mercury"], None),
        (["Mercury", "mercury", "MERCURY"], None),
        (["a/Mercury", "Mercury", "Mercury/", "x#Mercury", "Mercury?"], None),
        (["resource/Volt/Amp", "resource/Volt%2FAmp"], None),
        (["a/Mercury", "b/Mercury", "c/Mercury_(a)"], None),
    ],
)
@pytest.mark.parametrize("is_reversed", [False, True])
def test_two_things_of_one_name_stay_two(
    iris: list[str], names: list[str] | None, is_reversed: bool, tmp_path: Path
) -> None:
    """Each gets a qualifier, whatever their order, and the file says so."""
    lines = [f'<{X}{iri}> <{X}p> "{number}" .\n' for number, iri in enumerate(iris)]
    file = _file(tmp_path, "".join(lines[::-1] if is_reversed else lines), "facts.nt")
    found = {str(fact.value): fact.entity for fact in _facts(file)}
    assert len({name.casefold() for name in found.values()}) == len(iris)
    if names is not None:
        assert [found[str(number)] for number in range(len(iris))] == names
        assert file.qualified == len(iris)
        assert "have the name of another IRI" in file.notes[0]
    again = _file(tmp_path, "".join(lines), "again.nt")
    assert {str(fact.value): fact.entity for fact in _facts(again)} == found


def test_labels_of_two_things(tmp_path: Path) -> None:
    """The end of an IRI tells apart what has one label; relations too."""
    text = f"""{PREFIXES}
    x:Q1 rdfs:label "Mercury" ; x:P1 "a" . x:Q2 rdfs:label "Mercury"@en ; x:P2 "b" .
    x:P1 rdfs:label "date" . x:P2 rdfs:label "date" .
    """
    assert _triples(_facts(_file(tmp_path, text))) == [
        ("Mercury (Q1)", "date (P1)", "a"),
        ("Mercury (Q2)", "date (P2)", "b"),
    ]


def test_one_iri_in_two_writings(tmp_path: Path) -> None:
    """Percent-encoded letters are letters: it stays one entity."""
    text = (
        f'<{X}Caf%C3%A9> <{X}p> "a" .\n<{X}Caf\\u00E9> <{X}p> "b" .\n<{X}Caf%c3%a9> <{X}p> "c" .\n'
    )
    assert {fact.entity for fact in _facts(_file(tmp_path, text, "a.nt"))} == {"Café"}


@settings(max_examples=60)
@given(
    st.lists(
        st.text(st.sampled_from("aA/#:_%2F?é(). "), min_size=1, max_size=12), min_size=2, max_size=6
    )
)
def test_no_two_iris_have_one_name(ends: list[str]) -> None:
    """Whatever they look like."""
    import tempfile

    iris = {f"{X}{end}".replace("%", "%25").replace(" ", "%20") for end in ends}
    with tempfile.TemporaryDirectory() as folder:
        text = "".join(f'<{iri}> <{X}p> "{number}" .\n' for number, iri in enumerate(sorted(iris)))
        file = _file(Path(folder), text, "facts.nt", skip_invalid=True)
        facts = _facts(file)
    assert len(facts) + file.rejected == len(iris)
    keys = {" ".join(fact.entity.casefold().split()) for fact in facts}
    assert len(keys) == len({fact.sources for fact in facts})


# Languages, statements, graphs -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "name", "abstracts", "left"),
    [
        ("en", "Vienna", ["english"], 2),
        ("de", "Wien", ["deutsch", "österreichisch"], 1),
        ("fr", "Vienna", ["english"], 2),
        ("*", "Vienna", ["deutsch", "english", "österreichisch"], 0),
    ],
)
def test_languages(
    language: str, name: str, abstracts: list[str], left: int, tmp_path: Path
) -> None:
    """One comes first, English by default; what is left out is counted."""
    text = f"""{PREFIXES}
    x:W x:abstract "deutsch"@de, "english"@en, "österreichisch"@de-AT ; x:motto "servus"@de ;
        x:plain "text" ; rdfs:label "Wien"@de, "Vienna"@en .
    """
    file = _file(tmp_path, text, language=language)
    facts = _facts(file)
    assert {fact.entity for fact in facts} == {name}
    assert [fact.value for fact in facts if fact.relation == "abstract"] == abstracts
    assert [fact.value for fact in facts if fact.relation == "motto"] == ["servus"]
    assert file.left_out.pop("further labels") == 1
    assert file.left_out.get("texts in other languages", 0) == left


STATED = f"""{PREFIXES}@prefix dc: <http://purl.org/dc/terms/> .
@prefix schema: <https://schema.org/> .
"""


@pytest.mark.parametrize(
    "said",
    [
        "x:a x:p x:b {| dc:source 'book' ; schema:startDate '2001'^^xsd:gYear ; x:note 'n' |} .",
        "x:a x:p x:b . << x:a x:p x:b >> dc:source 'book' ; schema:startDate '2001' ; x:note 'n' .",
        "[] a rdf:Statement ; rdf:subject x:a ; rdf:predicate x:p ; rdf:object x:b ;"
        " dc:source 'book' ; schema:startDate '2001' ; x:note 'n' . x:a x:p x:b .",
        "x:s rdf:subject x:a ; rdf:object x:b . x:a x:p x:b ."
        " x:s rdf:predicate x:p ; dc:source 'book' ; schema:startDate '2001' ; x:note 'n' .",
        "x:a x:p x:b . _:s rdf:subject x:a ; rdf:predicate x:p ; rdf:object x:b . x:c x:q 'v' ."
        " _:s dc:source 'book' ; schema:startDate '2001' ; x:note 'n' .",
    ],
)
def test_what_statements_say(said: str, tmp_path: Path) -> None:
    """In every form, wherever it stands: sources and periods; the rest is counted."""
    file = _file(tmp_path, STATED + said)
    (fact,) = [fact for fact in _facts(file) if fact.relation == "p"]
    assert (fact.entity, fact.value) == ("a", EntityRef("b"))
    assert fact.sources == ("book", f"<{X}a>")
    assert fact.valid_from is not None and fact.valid_from.year == 2001
    assert file.left_out == {"annotations of statements": 1}


def test_what_is_only_quoted_is_not_a_fact(tmp_path: Path) -> None:
    """Somebody says it; the file does not."""
    file = _file(tmp_path, f"{STATED} << x:a x:shape 'flat' >> dc:source x:Bob . x:c x:d 'e' .")
    assert _triples(_facts(file)) == [("c", "d", "e")]
    assert file.left_out == {"statements about triples that the file does not state": 1}


def test_graphs_are_sources(tmp_path: Path) -> None:
    """A blank one is none, and counted."""
    text = f'<{X}a> <{X}p> "v" <{X}g> .\n<{X}a> <{X}p> "v" .\n<{X}b> <{X}p> "v" _:g .\n'
    file = _file(tmp_path, text, "facts.nq")
    assert [fact.sources for fact in _facts(file)] == [
        (f"{X}g", f"<{X}a>"), (f"<{X}a>",), (f"<{X}b>",),
    ]  # fmt: skip
    assert file.left_out == {"names of graphs that are blank nodes": 1}


# Values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "datatype", "value", "surface"),
    [
        ("1.50", "decimal", Decimal("1.50"), "1.50"),
        ("+5", "integer", 5, "+5"),
        ("01", "int", 1, "01"),
        ("-0", "integer", 0, "-0"),
        ("1e3", "double", Decimal("1e3"), "1e3"),
        ("1867-11-07", "date", PartialDate(1867, 11, 7), "7 November 1867"),
        ("1867-11-07Z", "date", PartialDate(1867, 11, 7), "7 November 1867"),
        ("1867-11-07+05:00", "date", "1867-11-07+05:00", "1867-11-07+05:00"),
        ("2001-01-01T00:00:00+01:00", "dateTime", "2001-01-01T00:00:00+01:00", None),
        ("true", "boolean", True, None),
        ("x", "token", "x", None),
    ],
)
def test_literals(
    text: str, datatype: str, value: object, surface: str | None, tmp_path: Path
) -> None:
    """Typed where a type fits, and with the writing that the file has."""
    (fact,) = _facts(_file(tmp_path, f'<{X}a> <{X}p> "{text}"^^<{XSD}{datatype}> .', "facts.nt"))
    assert (fact.value, type(fact.value)) == (value, type(value))
    assert surface is None or fact.surface == surface


@pytest.mark.parametrize(
    "literal",
    [
        *(f'"{text}"^^<{XSD}integer>' for text in ("1,000", "1.0", "1 0", "", "\\u0661", "0x1")),
        *(f'"{text}"^^<{XSD}decimal>' for text in ("3,14", "1/2", "1 650", "1e", "INF", "-", ".")),
        *(f'"{text}"^^<{XSD}date>' for text in ("May 12", "12", "2001-13-01", "44 BC", "2001-1-1")),
        '"x\\x"', '"\\u00"', '"\\uD83D\\uDE00"', '"\\U00110000"', '"x"@e n', '"x"^^<int>', "<rel>",
        f"<{X}a b>", f"<{X}\\u0020>", f"<{X}%zz>", '"a\\u0000b"', '"a\0b"', '"x', "'x'", "1", "x:a",
    ],
)  # fmt: skip
def test_nothing_is_guessed(literal: str, tmp_path: Path) -> None:
    """A line that is not as it must be is named, and left out alone."""
    good = f'<{X}a> <{X}p> "good" .\n'
    text = f"# text\n{good}<{X}a> <{X}p> {literal} .\n{good}"
    with pytest.raises(BadFact, match="line 3: "):
        list(_file(tmp_path, text, "facts.nt"))
    file = _file(tmp_path, text, "facts.nt", skip_invalid=True)
    assert [fact.value for fact in _facts(file)] == ["good", "good"]
    assert file.rejected == 1 and file.first_reason is not None and "line 3" in file.first_reason


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.ttl", f"{PREFIXES}x:a x:p y:b .\n", "line 5: the file is not Turtle: The prefix y:"),
        ("a.ttl", f"{PREFIXES}\nx:a x:p 'open .\n", "line 6: the file is not Turtle"),
        ("a.ttl", f"{PREFIXES}x:a x:p [ x:q 'v' ] .\n", "line 5: invalid fact: it is about a blank"),
        ("a.ttl", f"{PREFIXES}x:a x:p (1 2) .\n", "blank node"),
        ("a.trig", "{", "line 1: the file is not TriG"),
        ("a.rdf", "<a>", "the file is not RDF/XML"),
        ("a.jsonld", "[", "the file is not JSON-LD"),
        ("a.jsonld", '{"@context": "https://schema.org/", "name": "x"}', "never fetched"),
        ("a.ttl", f"{PREFIXES}x:a x:p <<( x:a x:p 'x' )>> .\n", "value must not be a triple"),
        ("a.ttl", f"{PREFIXES}x:a x:p {'<<( x:a x:p ' * 600}1{' )>>' * 600} .", "500 triples are"),
        ("a.nt", f"<{X}a> <{X}p> {f'<<( <{X}a> <{X}p> ' * 600}1{' )>>' * 600} .", "500 triples are"),
        ("a.jsonld", '{"x": ' * 70 + "1" + "}" * 70, "64 objects are nested"),
        ("a.rdf", '<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><a>&c;</a>', "'c' is long"),
        ("a.rdf", f'<!DOCTYPE a [<!ENTITY b "{"b" * 2000}">]><a>&b;</a>', "'b' is long"),
        ("a.rdf", '<a xmlns="http://x.org/">\n<!DOCTYPE a [<!ENTITY b "b">]>\n<b>&b;</b></a>', "line 2: invalid fact: an XML ent"),
        ("a.rdf", " " * 70_000 + "<a/>", "no element in its first"),
        ("a.rdf", f"<a b='{'&lt;' * 60_000}'/>", "more than 50,000 entities"),
        ("a.rdf", "<a>" * 1100, "1,000 elements are nested"),
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_faults_by_line(name: str, text: str, said: str, tmp_path: Path) -> None:
    """Nesting and entities are looked at before the parser sees them."""
    with pytest.raises(BadFact) as caught:
        list(_file(tmp_path, text, name))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_signs_in_texts_are_not_nesting(tmp_path: Path) -> None:
    """A text may hold any number of them."""
    text = "<<" * 400 + "[{" * 200
    for name in ("a.ttl", "a.nt"):
        assert _facts(_file(tmp_path, f'<{X}a> <{X}p> "{text}" .', name))[0].value == text
    json = f'{{"@id": "{X}a", "{X}p": "{text}\\\\"}}'
    assert _facts(_file(tmp_path, json, "a.jsonld"))[0].value == f"{text}\\"
    many = "<<" * 900
    assert _facts(_file(tmp_path, f'<{X}a> <{X}p> "{many}" .', "a.nt"))[0].value == many


def test_small_entities_are_read(tmp_path: Path) -> None:
    """As ontologies use them for the beginnings of IRIs."""
    text = (
        f'<?xml version="1.0"?>\n<!DOCTYPE r [<!ENTITY x "{X}">]>\n<rdf:RDF xmlns:rdf="{RDF}"'
        f' xmlns:x="{X}"><rdf:Description rdf:about="&x;a"><x:p>&lt;&#233;</x:p></rdf:Description>'
        "</rdf:RDF>"
    )
    assert _triples(_facts(_file(tmp_path, text, "a.rdf"))) == [("a", "p", "<é")]


def test_relative_iris_belong_to_the_file(tmp_path: Path) -> None:
    """By its name alone: the folder does not count."""
    (fact,) = _facts(_file(tmp_path, f"<#Ada> <{X}p> 'v' .", "my facts.ttl"))
    assert (fact.entity, fact.sources) == ("Ada", ("<file:///my%20facts.ttl#Ada>",))


def test_formats_have_readers() -> None:
    """All of RDF's are registered."""
    assert set(SYNTAXES) <= set(FORMATS)


@pytest.mark.parametrize(
    "order", ['"@type": "x:T", "x:p": "v"', '"x:p": "v", "@type": "x:T"'], ids=["first", "last"]
)
def test_keys_of_json_ld_in_any_order(order: str, tmp_path: Path) -> None:
    """Also where it cannot be read as it comes; a number has its usual surface."""
    text = f'{{"@context": {{"x": "{X}"}}, "@id": "x:a", {order}, "x:n": 1.50}}'
    facts = _facts(_file(tmp_path, text, "a.jsonld"))
    assert sorted((fact.relation, fact.surface) for fact in facts) == [
        ("n", "1.5"), ("p", "v"), ("type", "T"),
    ]  # fmt: skip


def test_json_ld_that_is_kept_as_a_whole_has_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read as it comes has none."""
    monkeypatch.setattr(rdf_guards, "MOST_WHOLE", 100)
    first = f'{{"@context": {{"x": "{X}"}}, "@type": "x:T", "@id": "x:a", "x:p": "{"v" * 99}"}}'
    last = f'{{"@context": {{"x": "{X}"}}, "@id": "x:a", "x:p": "{"v" * 99}", "@type": "x:T"}}'
    assert len(_facts(_file(tmp_path, first, "a.jsonld"))) == 2
    with pytest.raises(BadFact, match="keys in an order"):
        list(_file(tmp_path, last, "b.jsonld"))


def test_faults_without_lines_name_their_subject(tmp_path: Path) -> None:
    """For the parser reads some lines ahead."""
    text = f'{PREFIXES}x:Ada x:born "soon"^^xsd:date .\n'
    with pytest.raises(BadFact, match=rf"is not a date \(of {X}Ada\)"):
        list(_file(tmp_path, text))


@pytest.mark.parametrize("url", ["sqlite:///{}/facts.db", "memory:"])
def test_imports_one_after_the_other(url: str, tmp_path: Path) -> None:
    """An IRI keeps the name that it has in the store; another of that name gets a qualifier."""
    planet = f'<{X}planet/Mercury> <{X}radius> "2439"^^<{XSD}integer> .\n'
    element = f'<{X}element/Mercury> <{X}symbol> "Hg" .\n'
    both = f"{element}{planet}<{X}a> <{X}likes> <{X}planet/Mercury> .\n"
    named = f'<{X}planet/Mercury> <{RDFS}label> "Merkur" ; <{X}moons> 0 .\n'
    with SyncFactStore(url.format(tmp_path)) as store:

        def add(text: str, name: str = "a.nt") -> tuple[int, int]:
            file = _file(tmp_path, text, name)
            return put(store, file).facts, file.qualified

        store.apply([Assert(Fact(entity="Venus", relation="radius", value=6051, source="hand"))])
        assert add(planet) == (1, 0)
        assert add(element) == (1, 1)
        assert add(both) == (1, 0)  # both are known
        assert add(both) == add(planet) == add(element) == (0, 0)
        assert add(named, "b.ttl") == (1, 0)
        assert add(f'<{X}Venus> <{X}radius> "6051"^^<{XSD}integer> .\n') == (1, 0)
        held = sorted((fact.entity, fact.relation, fact.surface) for fact in store.scan())
        assert held == [
            ("Mercury", "moons", "0"),
            ("Mercury", "radius", "2439"),
            ("Mercury (element)", "symbol", "Hg"),
            ("Venus", "radius", "6051"),
            ("a", "likes", "Mercury"),
        ]


def test_names_are_kept_through_an_export(tmp_path: Path) -> None:
    """The sources go with the facts, so that another store knows the IRIs too."""
    planet, element = (f'<{X}{kind}/Mercury> <{X}p> "{kind}" .\n' for kind in ("planet", "element"))
    with SyncFactStore("memory:") as store:
        put(store, _file(tmp_path, planet, "a.nt"))
        write_facts(contents(store), str(tmp_path / "all.nt"))
    with SyncFactStore("memory:") as other:
        put(other, FactFile(str(tmp_path / "all.nt")))
        put(other, _file(tmp_path, element, "b.nt"), commit_every=1)
        put(other, _file(tmp_path, planet, "a.nt"))
        assert {fact.entity: fact.value for fact in other.scan()} == {
            "Mercury": "planet",
            "Mercury (element)": "element",
        }


@pytest.mark.parametrize(
    ("written", "read"), [("0.1", "0.1"), ("1.5", "1.5"), ("1e-7", "0.0000001")]
)
def test_a_number_of_json_ld_gets_no_digits_that_nobody_wrote(
    tmp_path: Path, written: str, read: str
) -> None:
    text = f'{{"@context": {{"@vocab": "{X}"}}, "@id": "{X}Ada", "height": {written}}}'
    (fact,) = _facts(_file(tmp_path, text, "a.jsonld"))
    assert (str(fact.surface), str(surface_of(fact.value))) == (read, read)
