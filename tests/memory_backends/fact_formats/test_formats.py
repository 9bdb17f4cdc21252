"""Every format reads what it writes, and names what it cannot read or keep."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.fact_files import FactFile, write_facts
from lamlam.memory_backends.fact_formats.registry import FORMATS
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef, PartialDate, Quantity, ValueType
from tests.memory_backends.any_facts import contents, facts, values
from tests.memory_backends.stores import HOSTILE, fact_text

WHOLE = ("jsonl", "nt", "ttl", "cypher")
"""Formats that keep all of it."""
WRITTEN = [name for name, one in FORMATS.items() if one.write is not None]
BIG = 'é"\\\n,' * 200_000
Items = list[Assert | AddAlias | DefineRelation]


def _through(items: Any, format: str) -> tuple[Items, str]:
    """What is read of a file that the items were written to, and what it could not keep."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "facts")
        lost = write_facts(items, path, format=format).lost
        return list(FactFile(path, format=format)), lost


def _rewritten(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize("format", WHOLE)
@settings(max_examples=60)
@given(contents())
def test_whatever_a_store_holds_comes_back(format: str, items: Items) -> None:
    """Facts with all their fields, aliases and rules; nothing is named as lost."""
    assert _through(items, format) == (items, "")


@pytest.mark.parametrize("format", ["csv", "tsv"])
@settings(max_examples=60)
@given(contents())
def test_tables_keep_facts(format: str, items: Items) -> None:
    """With all their fields; aliases and rules are counted as lost."""
    kept = [item for item in items if isinstance(item, Assert)]
    read, lost = _through(items, format)
    assert read == kept
    assert ("aliases" in lost) is any(isinstance(item, AddAlias) for item in items)
    assert ("rules" in lost) is any(isinstance(item, DefineRelation) for item in items)


@settings(max_examples=60)
@given(st.lists(facts(), max_size=5))
def test_the_lmlm_database_keeps_texts(given: list[Fact]) -> None:
    """Entity, relation and what a model writes, of the usual namespace."""
    read, _ = _through(given, "lmlm")
    kept = [(fact.entity, fact.relation, fact.surface) for fact in given if fact.namespace == ()]
    found = [
        (item.fact.entity, item.fact.relation, item.fact.value)
        for item in read
        if isinstance(item, Assert)
    ]
    assert set(found) == set(kept)


def test_the_lmlm_database_has_the_keys_of_the_reference(tmp_path: Path) -> None:
    """Four lists, as its ``save_database`` makes them; what is lost is named and counted."""
    path = tmp_path / "db.json"
    written = write_facts(
        [
            Fact(entity="Ada", relation="born", value=PartialDate(1815), source="x"),
            Fact(entity="Ada", relation="friend", value=EntityRef("Bob"), valid_to="1850"),
            Fact(entity="Ada", relation="friend", value=EntityRef("Bob"), valid_from="1851"),
            Fact(entity="Ada", relation="friend", value="Eve", namespace=("me",)),
        ],
        str(path),
        format="lmlm",
    )
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "entities": ["Ada"],
        "relationships": ["born", "friend"],
        "return_values": ["1815", "Bob"],
        "triplets": [["Ada", "born", "1815"], ["Ada", "friend", "Bob"]],
    }
    for part in ("types of values: 3", "sources: 1", "periods: 2", "period alone: 1"):
        assert part in written.lost
    assert "other namespaces: 1" in written.lost


def test_the_lmlm_database_in_any_layout(tmp_path: Path) -> None:
    """As ``json.dump(…, indent=4)`` leaves it, or on one line; keys in any order."""
    triplets = [[f"E{n}", "r", "v" * (n % 90_000)] for n in range(1, 400)]
    database = {"entities": ["x"], "relationships": [], "return_values": [], "triplets": triplets}
    path = tmp_path / "db.lmlm"
    for indent in (4, None):
        path.write_text(json.dumps(database, indent=indent))
        assert [[i.fact.entity, i.fact.relation, i.fact.value] for i in FactFile(str(path))] == (  # type: ignore[union-attr]
            triplets
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the file is not a JSON object"),
        ("[]", "not a JSON object"),
        ('{"entities": [], "triplets": []}', "lacks relationships, return_values"),
        ('{"facts": []}', "'facts' is not a key"),
        ('{"entities": {}}', "not a JSON object"),
        ('{"entities": [', "not a JSON object"),
        (
            '{"entities":[],"relationships":[],"return_values":[],\n"triplets":[\n["a","b"]]}',
            "line 3: invalid fact: a triplet must be a list of three strings",
        ),
        (
            '{"entities":[],"relationships":[],"return_values":[],"triplets":[["a","b",1]]}',
            "value must be a string",
        ),
        ('{"entities":[],"relationships":[],"return_values":[],"triplets":[]} x', "follows"),
    ],
    ids=lambda text: text[:30],
)
def test_faults_of_lmlm_databases(tmp_path: Path, text: str, said: str) -> None:
    """What is missing or strange is named."""
    path = tmp_path / "db.lmlm"
    path.write_text(text)
    with pytest.raises(BadFact) as caught:
        list(FactFile(str(path)))
    assert said in str(caught.value)


@pytest.mark.parametrize("format", WRITTEN)
def test_long_and_hostile_texts(format: str) -> None:
    """A million characters, and every text that means something to someone."""
    given = [
        Fact(entity=text, relation=text[:900], value=text) for text in HOSTILE if not text.isspace()
    ]
    given.append(Fact(entity="long", relation="text", value=BIG))
    read, _ = _through(given, format)
    assert [item.fact for item in read if isinstance(item, Assert)] == given


@pytest.mark.parametrize("format", WRITTEN)
def test_an_empty_store_is_a_file_too(format: str) -> None:
    """It is written and read back as nothing."""
    assert _through([], format) == ([], "")


@pytest.mark.parametrize("format", WRITTEN)
def test_other_line_ends_and_a_mark_at_the_begin(format: str, tmp_path: Path) -> None:
    """As editors of other systems leave a file."""
    fact = Fact(entity="Ada", relation="job", value="é x", confidence=0.5)
    path = tmp_path / "facts"
    write_facts([fact], str(path), format=format)
    _rewritten(path, lambda all: all.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    _rewritten(path, lambda all: b"\xef\xbb\xbf" + all)
    (item,) = FactFile(str(path), format=format)
    assert isinstance(item, Assert)
    assert (item.fact.entity, item.fact.surface) == ("Ada", "é x")


@pytest.mark.parametrize("format", WRITTEN)
def test_bytes_that_are_no_text(format: str, tmp_path: Path) -> None:
    """The line is named."""
    path = tmp_path / "facts"
    write_facts([Fact(entity="Ada", relation="job", value="XYZ")], str(path), format=format)
    _rewritten(path, lambda all: all.replace(b"XYZ", b"X\xffZ"))
    with pytest.raises(BadFact, match=r"line \d+: .*(UTF-8|surrogate)"):
        list(FactFile(str(path), format=format))


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=40)
@given(st.binary(max_size=200) | fact_text().map(str.encode))
def test_any_bytes_are_facts_or_a_fault(format: str, content: bytes) -> None:
    """Nothing but `BadFact` ever leaves a reader, and with ``skip_invalid`` little of that."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "facts"
        path.write_bytes(content)
        try:
            list(FactFile(str(path), format=format))
        except BadFact as error:
            assert "\n" not in str(error)
        if format in ("jsonl", "nt", "nq", "cypher"):
            try:
                list(FactFile(str(path), format=format, skip_invalid=True))
            except BadFact as error:  # it looks like UTF-16, and is not: there are no lines
                assert "is not UTF-" in str(error)


# JSON lines -----------------------------------------------------------------------------------


def test_json_lines_are_short_and_plain(tmp_path: Path) -> None:
    """Fields that are as usual are left out; numbers and dates are what one would write."""
    path = tmp_path / "facts.jsonl"
    write_facts(
        [
            Fact(entity="Ada", relation="job", value="x"),
            Fact(
                entity="Ada", relation="height", value=Quantity(amount=165, unit="cm"),  # type: ignore[arg-type]
                sources=("a", "b"), valid_from="1840", valid_to="1850-01-01T12:00Z",
                namespace=("me",), confidence=0.5, surface="five feet",
            ),
            AddAlias("Ada", "the countess"),
            DefineRelation(RelationRule("height", "one", ValueType.QUANTITY)),
        ],
        str(path),
    )  # fmt: skip
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"entity": "Ada", "relation": "job", "value": "x"},
        {
            "entity": "Ada", "relation": "height", "value": {"amount": "165", "unit": "cm"},
            "surface": "five feet", "sources": ["a", "b"], "confidence": 0.5,
            "valid_from": "1840-01-01", "valid_to": "1850-01-01T12:00:00+00:00",
            "namespace": ["me"],
        },
        {"alias": "the countess", "entity": "Ada"},
        {"relation": "height", "cardinality": "one", "type": "quantity"},
    ]  # fmt: skip


def test_aliases_come_after_all_facts(tmp_path: Path) -> None:
    """Wherever they stand: an entity must have facts before it has another name."""
    path = tmp_path / "facts.jsonl"
    path.write_text(
        '{"alias": "countess", "entity": "Ada"}\n{"entity": "Ada", "relation": "a", "value": "b"}\n'
    )
    file = FactFile(str(path))
    kinds = [(type(item), file.where.rpartition(" ")[2]) for item in file]
    assert kinds == [(Assert, "2"), (AddAlias, "1")]


def test_what_the_store_fills_in_is_left_alone(tmp_path: Path) -> None:
    """What the command shows can be imported; but not what has ended."""
    path = tmp_path / "facts.jsonl"
    fact = {"entity": "Ada", "relation": "a", "value": "b", "id": "x", "revision": 3}
    path.write_text(json.dumps({**fact, "retracted": None}))
    (item,) = FactFile(str(path))
    assert item == Assert(Fact(entity="Ada", relation="a", value="b"))
    path.write_text(json.dumps({**fact, "retracted": 4}))
    with pytest.raises(BadFact, match="the fact has ended"):
        list(FactFile(str(path)))


# Tables ---------------------------------------------------------------------------------------


def test_formulas_stay_text(tmp_path: Path) -> None:
    """What a spreadsheet would compute is kept as it is."""
    formulas = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("x")', "'=1"]
    given = [Fact(entity="Ada", relation="note", value=text) for text in formulas]
    assert [item.fact.value for item in _through(given, "csv")[0]] == formulas  # type: ignore[union-attr]


def test_types_in_tables(tmp_path: Path) -> None:
    """As people write them; without a type a number is text."""
    path = tmp_path / "facts.csv"
    path.write_text(
        "entity,relation,value,type,namespace,sources\n"
        "A,a,7,,,\nA,b,7,integer,,\nA,c,7 November 1867,Date,,\nA,d,1.50,decimal,me/x,\n"
        'A,e,yes,boolean,,"[""s"", ""t""]"\nA,f,"8,849 m",quantity,,\nA,g,Bob,entity,,\n'
    )
    read = [item.fact for item in FactFile(str(path)) if isinstance(item, Assert)]
    assert [fact.value for fact in read] == [
        "7", 7, PartialDate(1867, 11, 7), 1.5, True, Quantity(8849, "m"), EntityRef("Bob"),  # type: ignore[arg-type]
    ]  # fmt: skip
    assert (read[3].namespace, read[4].sources) == (("me", "x"), ("s", "t"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("entity,relation,value,Value\na,b,c,d\n", "line 1: the column 'value' occurs twice"),
        ("entity,relation,value,sorce\na,b,c,d\n", "line 1: column 4: there is no column 'sorce'"),
        ("entity,relation,value\na,b,\n", "line 2: invalid fact: value must not be empty"),
        ("entity,relation,value\na,b\n", "line 2: invalid fact: value is missing"),
        ("entity,relation,value\na,b,c,d\n", "line 2: invalid fact: 4 columns"),
        ("entity,relation,value\na,b,\"c\nd,e,f\n", "line 3: unexpected end of data"),
        ("entity,relation,value\na,\"b\"x,c\n", "line 2: "),
        ("entity,relation,value,type\na,b,c,date\n", "line 2: 'c' is not a date"),
        ("entity,relation,value,type\na,b,c,time\n", "line 2: invalid fact: there is no type 'time'"),
        ("entity,relation,value,confidence\na,b,c,nan\n", "line 2: invalid fact: confidence"),
        ("entity,relation,value,confidence\na,b,c,high\n", "confidence must be a number, got 'high'"),
        ("entity,relation,value,sources\na,b,c,s\n", "sources must be a JSON list"),
        ("entity,relation,value,valid_from\na,b,c,soon\n", "'soon' is not a moment"),
        ("entity,relation,value,namespace\na,b,c,x//y\n", "namespace: each part must not be empty"),
    ],
)  # fmt: skip
def test_faults_of_tables(tmp_path: Path, text: str, said: str) -> None:
    """By line."""
    path = tmp_path / "facts.csv"
    path.write_text(text)
    with pytest.raises(BadFact) as caught:
        list(FactFile(str(path)))
    assert said in str(caught.value)


def test_unknown_columns_can_be_left_alone(tmp_path: Path) -> None:
    """If so wished."""
    path = tmp_path / "facts.csv"
    path.write_text("entity,relation,value,year,\na,b,c,1,\n")
    (item,) = FactFile(str(path), ignore_unknown=True)
    assert item == Assert(Fact(entity="a", relation="b", value="c"))


# Cypher ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "MATCH (n) DETACH DELETE n;",
        "CREATE (:ExportedEntity {key: 'x'});",
        "WITH {entity: \"a\"} AS row RETURN row;",
        "WITH {entity: \"a\", entity: \"b\"} AS row RETURN row;",
        "WITH {",
    ],
)  # fmt: skip
def test_other_cypher_is_refused(tmp_path: Path, line: str) -> None:
    """By line; nothing is ever run."""
    path = tmp_path / "facts.cypher"
    write_facts([Fact(entity="a", relation="b", value="c")], str(path))
    path.write_text(f"// mine\n\n{path.read_text()}{line}\n")
    with pytest.raises(BadFact, match=r"line 6: invalid fact: the line is not a statement"):
        list(FactFile(str(path)))
    assert len(list(FactFile(str(path), skip_invalid=True))) == 1


@settings(max_examples=60)
@given(values(), st.text(st.sampled_from('\\u"\x1b0027})\n'), min_size=1).filter(str.strip))
def test_no_value_leaves_its_quotes(value: Any, surface: str) -> None:
    """Outside of quoted texts a statement has nothing of a value, whatever escapes it holds."""
    given = Fact(entity="E", relation="r", value=value, surface=surface)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "facts.cypher"
        write_facts([given], str(path))
        statement = path.read_text(encoding="utf-8").split("\n")[2]
        assert list(FactFile(str(path))) == [Assert(given)]
    # Neo4j 5 replaces these wherever they stand, and only then looks for quotes.
    replaced = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda match: chr(int(match[1], 16)), statement)
    for text in (statement, replaced):
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.DOTALL)
        assert re.fullmatch(r"[A-Za-z0-9_ :{}()\[\].,;=>+-]*", bare)
