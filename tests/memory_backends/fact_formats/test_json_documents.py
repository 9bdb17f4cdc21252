"""JSON as other programs write it: one document in any layout, and the memory of the MCP server."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.fact_files import FactFile
from lamlam.memory_backends.fact_formats.format import Item
from lamlam.memory_backends.model.operations import AddAlias, Assert
from lamlam.memory_backends.model.values import EntityRef, PartialDate, Quantity

ADA = ("Ada Quill", "job", "miller")
FACT = dict(zip(("entity", "relation", "value"), ADA, strict=True))
BORN = FACT | {"relation": "born", "value": {"date": "1815-12"}}
GRAPH: dict[str, list[dict[str, Any]]] = {
    "entities": [
        {"name": "John_Smith", "entityType": "person", "observations": ["Speaks_Spanish", "Sings"]},
        {"name": "Acme", "entityType": "", "observations": []},
    ],
    "relations": [{"from": "John_Smith", "to": "Acme", "relationType": "works_at"}],
}
OF_GRAPH = [
    ("John Smith", "type", "person"),
    ("John Smith", "observation", "Speaks_Spanish"),
    ("John Smith", "observation", "Sings"),
    ("John Smith", "works at", EntityRef("Acme")),
]
MEMORY = "".join(
    json.dumps({"type": kind, **one}) + "\n"
    for kind, name in (("entity", "entities"), ("relation", "relations"))
    for one in GRAPH[name]
)


def _read(path: Path, content: str | bytes, **options: Any) -> list[tuple[Any, ...]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return _said(list(FactFile(str(path), **options)))


def _written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content, indent=1))
    return path


def _said(items: list[Item]) -> list[tuple[Any, ...]]:
    return [
        (item.fact.entity, item.fact.relation, item.fact.value)
        if isinstance(item, Assert)
        else (item.alias, item.entity)
        for item in items
        if isinstance(item, Assert | AddAlias)
    ]


@pytest.mark.parametrize("indent", [None, 0, 2, "\t"])
@pytest.mark.parametrize("name", ["facts.json", "facts.jsonl", "facts"])
@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([FACT, BORN], [ADA, ("Ada Quill", "born", PartialDate(1815, 12))]),
        ([FACT], [ADA]),
        ([list(ADA)], [ADA]),
        ([{"alias": "Q", "entity": "Ada Quill"}, FACT], [ADA, ("Q", "Ada Quill")]),
        ({"facts": [FACT]}, [ADA]),
        ({"version": 2, "by": {"x": 1}, "facts": [FACT], "n": 12345}, [ADA]),
        (FACT, [ADA]),
        ({"Ada Quill": {"job": "miller"}}, [ADA]),
        (
            {
                "Ada Quill": {"job": "miller", "child": ["Bob", "Cleo"], "died": None, "age": 7},
                "Bob": {"height": {"amount": "1.65", "unit": "m"}, "of": [{"entity": "Ada Quill"}]},
            },
            [
                ADA, ("Ada Quill", "child", "Bob"), ("Ada Quill", "child", "Cleo"),
                ("Ada Quill", "age", 7), ("Bob", "height", Quantity("1.65", "m")),  # type: ignore[arg-type]
                ("Bob", "of", EntityRef("Ada Quill")),
            ],
        ),
        ({f"E{i}": {"r": i} for i in range(200)}, [(f"E{i}", "r", i) for i in range(200)]),
        ({"facts": {"lang": "en"}, "entity": {"type": "word"}},
         [("facts", "lang", "en"), ("entity", "type", "word")]),
        ({"Ada Quill": [{"relation": "job", "value": "miller"}]}, [ADA]),
        (
            {"entities": ["Ada Quill"], "relationships": ["job"], "return_values": ["miller"],
             "triplets": [list(ADA)]},
            [ADA],
        ),
        (GRAPH, OF_GRAPH),
    ],
)  # fmt: skip
def test_one_document(
    tmp_path: Path, document: object, said: list[Any], name: str, indent: int | str | None
) -> None:
    """Whatever its layout and its name; numbers at the end of what is read are whole."""
    assert _read(tmp_path / name, json.dumps(document, indent=indent)) == said


def test_a_list_of_whole_lines(tmp_path: Path) -> None:
    """Its only element may look like a line of JSON lines."""
    for n_facts in (1, 2, 3):
        text = "[\n" + ",\n".join([json.dumps(FACT)] * n_facts) + "\n]\n"
        assert _read(tmp_path / "a.json", text) == [ADA] * n_facts


def test_documents_after_each_other(tmp_path: Path) -> None:
    """As `jq` prints a file of JSON lines."""
    text = "\n".join(json.dumps({**FACT, "value": f"v{i}"}, indent=2) for i in range(3))
    assert [value for _, _, value in _read(tmp_path / "a.json", text)] == ["v0", "v1", "v2"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["memory.jsonl", "m.json", "memory"])
def test_the_memory_of_the_mcp_server(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    """Its lines are recognised by their content, packed or not, under any name."""
    assert _read(tmp_path / name, pack(MEMORY.encode())) == OF_GRAPH


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"type": "entity", "observations": []}, "name is missing"),
        ({"type": "entity", "name": "_ "}, "name must not be empty"),
        ({"type": "entity", "name": 7}, "name must be a string, got int"),
        ({"type": "entity", "name": "A", "observations": "x"}, "observations must be a list"),
        ({"type": "entity", "name": "A", "observations": ["x", 7]}, "observation 2 must be a str"),
        ({"type": "entity", "name": "A", "entityType": []}, "entityType must be a string"),
        ({"type": "relation", "from": "A", "to": "B"}, "relationType is missing"),
        ({"type": "relation", "relationType": "r", "to": "B"}, "from is missing"),
    ],
)
def test_broken_lines_of_it_are_named(tmp_path: Path, line: dict[str, Any], said: str) -> None:
    """Nothing of such a line is a fact; the others are kept if that is wanted."""
    text = MEMORY + json.dumps(line) + "\n"
    with pytest.raises(BadFact, match=f"line 4: invalid fact: {said}"):
        _read(tmp_path / "a.jsonl", text)
    assert _read(tmp_path / "a.jsonl", text, skip_invalid=True) == OF_GRAPH


def test_an_entity_without_facts_is_counted(tmp_path: Path) -> None:
    """It has neither a type nor an observation."""
    (tmp_path / "a.jsonl").write_text(MEMORY)
    file = FactFile(str(tmp_path / "a.jsonl"))
    assert (len(list(file)), file.left_out) == (4, {"entities without facts": 1})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[\n{"entity": "A", "relation": "b"}]', "line 2: invalid fact: value is missing"),
        ('[\n{"entity": "A",\n"relation": "b"}]', "line 2: invalid fact: value is missing"),
        ('[{"a": 1}]', "the keys are 'a'"),
        ("[{}]", "the object is empty"),
        ('{"content": [{"type": "text", "text": "x"}]}', "the keys are 'content'"),
        ('{\n"a": 1\n}', "the keys are 'a'"),
        ('{"A": {"b": "c", "b": "d"}}', "a key stands twice"),
        ('{"A": {"b": "c"}, "A": {"b": "d"}}', "stands twice"),
        ('{"A": {"b": {"c": "d"}}}', r"must not be such an object \(of 'A', 'b'\)"),
        ('{"A": {"b": NaN}}', "must be finite"),
        ('[\n{"entity": "A",\n "relation"', "line 2: the file is not JSON"),
        ('[\n{"entity": "A", "relation": "b", "value": "c"}\n', "the file is not JSON"),
        ('{"facts": [\n7]}', "line 2: invalid fact: a fact must be an object, got int"),
        ('{"entity": "A", "relation": \n{"entity": "A", "relation": "b", "value": "c"}\n',
         "line 1: invalid fact: the line is not a JSON object"),
    ],
)  # fmt: skip
def test_a_wrong_document_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    """With its line; a line that is cut off among whole ones is no document."""
    with pytest.raises(BadFact, match=said):
        _read(tmp_path / "a.json", text)


def test_an_element_that_is_no_fact_is_left_out_alone(tmp_path: Path) -> None:
    """If that is wanted; what is cut off stops the reading in any case."""
    text = json.dumps([FACT, {"entity": "A"}, 7, BORN], indent=1)
    assert len(_read(tmp_path / "a.json", text, skip_invalid=True)) == 2
    with pytest.raises(BadFact, match="not JSON"):
        _read(tmp_path / "a.json", text[:-1], skip_invalid=True)


def test_a_bad_value_of_a_map_is_left_out_alone(tmp_path: Path) -> None:
    """What else is said of its entity is kept, before and after it."""
    said = {"job": "miller", "place": {"x": 1}, "child": ["Bob", [1], "Cleo"]}
    file = FactFile(str(_written(tmp_path / "a.json", {"Ada Quill": said})), skip_invalid=True)
    values = [value for _, _, value in _said(list(file))]
    assert (values, file.rejected) == (["miller", "Bob", "Cleo"], 2)


def test_a_triple_may_state_any_value(tmp_path: Path) -> None:
    """As a line does."""
    given = [36, 1.5, True, {"date": "1815-12"}, {"entity": "Bob Ferris"}, "miller"]
    said = _read(tmp_path / "a.json", json.dumps([["Ada Quill", "a", value] for value in given]))
    assert [value for _, _, value in said] == [
        36, Decimal("1.5"), True, PartialDate(1815, 12), EntityRef("Bob Ferris"), "miller",
    ]  # fmt: skip
    with pytest.raises(BadFact, match="must be entity, relation and value, got 4 items"):
        _read(tmp_path / "a.json", '[["a", "b", "c", "d"]]')


@pytest.mark.parametrize("is_list", [True, False])
def test_records_of_the_mcp_server_without_facts_are_counted(tmp_path: Path, is_list: bool) -> None:
    """In lines and in a list; a fork of the server begins its file with a mark."""
    records = [
        {"type": "_aim", "source": "mcp-knowledge-graph"},
        *map(json.loads, MEMORY.split("\n")[:-1]),
    ]
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(records) if is_list else "\n".join(map(json.dumps, records)))
    file = FactFile(str(path))
    assert _said(list(file)) == OF_GRAPH
    assert file.left_out == {"marks of a memory server": 1, "entities without facts": 1}


def test_a_long_document_is_read_in_parts(tmp_path: Path) -> None:
    """Every fact once, over the borders of what is read at a time."""
    facts = [{**FACT, "value": i} for i in range(3_000)]
    said = _read(tmp_path / "a.json", json.dumps({"facts": facts}))
    assert [value for _, _, value in said] == list(range(3_000))
