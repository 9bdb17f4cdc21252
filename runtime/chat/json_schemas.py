"""JSON schemas that a caller gives: checked, and made ready to become token masks.

A schema is compiled by llguidance. Three things are done before: formats that it does not know are
left out (in JSON Schema they are notes), objects that list their properties are closed, since a
model that may invent further ones goes on inventing, and a schema that no finite text fits is
refused, which llguidance would let a model write for ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from lamlam.cut_text import cut_text
from lamlam.errors import BadSchema

MAX_SCHEMA_CHARACTERS = 128_000
"""Of the JSON text of one schema."""
MAX_DEPTH = 60
"""Levels of one schema; llguidance reads about twice as many levels of JSON."""
_FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri")
)
"""Those that masks enforce."""
_OPTIONS = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""White space as `json.dumps` has it: where it is free, a small model writes it for ever."""
_OF_SCHEMAS = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
"""Keywords whose values are objects of schemas."""
_ONE_SCHEMA = ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then")
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_COMBINING = ("allOf", "anyOf", "oneOf", "$ref", "if", "patternProperties")
_REASON = re.compile(r"(?:failed to compile JSON schema|failed to parse \"%json\"): (.*)")
_UNIMPLEMENTED = re.compile(r"Unimplemented keys: \[(.*)\]")


def read_schema(schema: Any, where: str) -> dict[str, Any]:
    """Return a copy of a schema that a mask can be made of.

    Args:
        schema: whatever the caller gave.
        where: how errors name it.

    Raises:
        BadSchema: it is no JSON object, too large, too deep, or no finite text fits it.
    """
    if not isinstance(schema, Mapping):
        raise BadSchema(
            f"{where} must be a JSON schema, which is an object, got {type(schema).__name__}",
            hint='write {"type": "object", "properties": {…}}',
        )
    try:
        text = json.dumps(schema, allow_nan=False)
        read: dict[str, Any] = json.loads(text)
        text.encode()
    except RecursionError:
        raise _too_deep(where) from None
    except (TypeError, ValueError) as error:
        raise BadSchema(f"{where} is not JSON: {cut_text(str(error), 120)}") from None
    if len(text) > MAX_SCHEMA_CHARACTERS:
        raise BadSchema(
            f"{where} has {len(text):,} characters, at most {MAX_SCHEMA_CHARACTERS:,} are read",
            hint="ask for fewer things at a time",
        )
    if _depth(read) > 2 * MAX_DEPTH:
        raise _too_deep(where)
    nodes = list(_schemas_in(read))
    combined = (node["allOf"] for node in nodes if isinstance(node.get("allOf"), list))
    is_combined = any(len(schemas) > 1 for schemas in combined)
    for node in nodes:
        if node.get("format") not in (None, *_FORMATS):
            del node["format"]
        node.pop("x-guidance", None)
        is_plain = not is_combined and not any(key in node for key in _COMBINING)
        if is_plain and isinstance(node.get("properties"), dict):
            node.setdefault("additionalProperties", False)
    if not _Finite(read).fits(read):
        raise BadSchema(
            f"{where} is recursive without end: no finite text fits it",
            hint="make what refers back to itself optional",
        )
    return read


def schema_source(schema: Mapping[str, Any]) -> str:
    """Return the schema as a rule of a grammar has it."""
    return "%json " + json.dumps({**schema, "x-guidance": _OPTIONS})


def check_compiles(grammar: str, where: str) -> None:
    """Raise `BadSchema` unless llguidance takes the grammar; takes milliseconds, rarely 50.

    Args:
        grammar: one rule made by `schema_source`, or a whole grammar.
        where: how an error names it.
    """
    from llguidance import LLMatcher

    if grammar.startswith("%json"):
        grammar = f"%llguidance {{}}\nstart: {grammar}"
    with without_panics(where):
        fault = LLMatcher.validate_grammar(grammar, limits=parser_limits())
    if not fault or fault.startswith("WARNING"):
        return
    found = _REASON.search(fault)
    reason = found[1] if found else fault.partition("\n")[0]
    if reason.endswith(":"):  # of a pattern, drawn below
        said = (line.removeprefix("error: ") for line in fault.splitlines() if "error: " in line)
        reason = f"{reason} {next(said, '')}".strip()
    lacking = _UNIMPLEMENTED.search(reason)
    if lacking:
        keys = lacking[1].replace('"', "").replace("\\", "")
        hint = f"leave out {keys}, or check it in your program"
    else:
        hint = "write anyOf" if "oneOf" in reason else "simplify the schema"
    raise BadSchema(f"{where} cannot become a mask: {cut_text(reason, 200)}", hint=hint)


@contextmanager
def without_panics(where: str) -> Iterator[None]:
    """Turn a panic of llguidance, which is no `Exception` and would end the thread, into an error.

    Raises:
        BadSchema: it has panicked, as where it cuts a faulty value within a character.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        said = cut_text(str(error).partition("\n")[0], 120)
        raise BadSchema(
            f"{where} cannot become a mask: llguidance fails at it: {said}",
            hint="check the schema: a keyword has a value of the wrong kind",
        ) from None


def parser_limits() -> Any:  # Any: a class of llguidance
    """Return how much work compiling and one mask may take: 20 ms and 14 ms, roughly."""
    from llguidance import LLParserLimits

    return LLParserLimits(max_grammar_size=200_000, verbose_errors=False)


def _too_deep(where: str) -> BadSchema:
    return BadSchema(
        f"{where} is nested too deeply", hint=f"at most {MAX_DEPTH} levels of schemas are read"
    )


def _depth(value: Any) -> int:
    """Return how many levels of lists and objects a value has."""
    deepest, open_values = 0, [(value, 1)]
    while open_values:
        held, depth = open_values.pop()
        deepest = max(deepest, depth)
        if isinstance(held, dict):
            open_values += [(one, depth + 1) for one in held.values()]
        elif isinstance(held, list):
            open_values += [(one, depth + 1) for one in held]
    return deepest


def _schemas_in(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a schema and all schemas in it; what merely looks like one, as in enum, is none."""
    waiting: list[Any] = [schema]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        yield node
        for key in _OF_SCHEMAS:
            if isinstance(node.get(key), dict):
                waiting += node[key].values()
        for key in _SCHEMA_LISTS:
            if isinstance(node.get(key), list):
                waiting += node[key]
        waiting += [node[key] for key in _ONE_SCHEMA if key in node]


class _Finite:
    """Which schemas of a document some finite value fits, as far as references decide that.

    The least set that agrees with itself, so that a schema which only refers back is not in it.
    """

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._named = _named_schemas(root)
        nodes = self._nodes()
        self._fitting: set[int] = set()
        dependents: dict[int, list[dict[str, Any]]] = {}
        for node in nodes:
            for one in (*self._needed(node), *(c for cs in _choices(node) for c in cs)):
                dependents.setdefault(id(one), []).append(node)
        waiting = nodes  # the innermost are last, and are taken first
        while waiting:
            node = waiting.pop()
            if id(node) not in self._fitting and self._is_met(node):
                self._fitting.add(id(node))
                waiting += dependents.get(id(node), ())

    def _nodes(self) -> list[dict[str, Any]]:
        """Return all schemas, those included that a reference finds where no keyword has them."""
        nodes, seen, at = list(_schemas_in(self._root)), set[int](), 0
        seen.update(map(id, nodes))
        while at < len(nodes):
            reference = nodes[at].get("$ref")
            target = self._target(reference) if isinstance(reference, str) else None
            if isinstance(target, dict) and id(target) not in seen:
                more = [one for one in _schemas_in(target) if id(one) not in seen]
                seen.update(map(id, more))
                nodes += more
            at += 1
        return nodes

    def fits(self, node: Any) -> bool:
        """Return whether a finite value fits."""
        return not isinstance(node, dict) or id(node) in self._fitting

    def _is_met(self, node: dict[str, Any]) -> bool:
        chosen = (any(map(self.fits, choices)) for choices in _choices(node))
        return all(map(self.fits, self._needed(node))) and all(chosen)

    def _needed(self, node: dict[str, Any]) -> list[Any]:
        """Return the schemas that each value of this one must meet, or must hold a value of."""
        needed = list(node["allOf"]) if isinstance(node.get("allOf"), list) else []
        if isinstance(node.get("$ref"), str):
            needed.append(self._target(node["$ref"]))
        kinds = node.get("type")
        if kinds in (None, "object", ["object"]) and isinstance(node.get("required"), list):
            held = node.get("properties")
            held = held if isinstance(held, dict) else {}
            needed += [held.get(name) for name in node["required"] if isinstance(name, str)]
        if kinds in (None, "array", ["array"]) and isinstance(node.get("minItems"), int):
            first = node.get("prefixItems")
            first = first if isinstance(first, list) else []
            needed += first[: max(0, node["minItems"])]
            needed += [node.get("items")] if node["minItems"] > len(first) else []
        return needed

    def _target(self, reference: str) -> Any:
        """Return what a reference within the schema refers to; llguidance refuses others."""
        where, _, fragment = reference.partition("#")
        found: Any = self._named.get(where) if where else self._root
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            return self._named.get(f"#{fragment}")
        for part in filter(None, fragment.split("/")):
            name = part.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        return found


def _named_schemas(root: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas that have an address of their own, or an anchor, which "#" begins here."""
    named: dict[str, Any] = {}
    for node in _schemas_in(root):
        for keyword, mark in (("$id", ""), ("$anchor", "#")):
            name = node.get(keyword)
            if isinstance(name, str):
                named.setdefault(mark + name.removesuffix("#"), node)
    return named


def _choices(node: dict[str, Any]) -> list[list[Any]]:
    held = (node.get(key) for key in ("anyOf", "oneOf"))
    return [choices for choices in held if isinstance(choices, list) and choices]
