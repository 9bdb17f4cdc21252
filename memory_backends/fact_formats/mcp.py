"""The memory of the MCP memory server: ``memory.jsonl``, and what its ``read_graph`` gives.

A line is ``{"type": "entity", "name": …, "entityType": …, "observations": […]}`` or ``{"type":
"relation", "from": …, "to": …, "relationType": …}``. In names of entities and relations ``_`` is a
space; an observation is a fact of the relation "observation", an entity's type one of "type".
"""

from __future__ import annotations

from typing import Any

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.format import Faults, Item
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.model.values import EntityRef

OBSERVATION = "observation"
TYPE = "type"
_OF_A_RELATION = ("from", "to", "relationType")
_HINT = (
    'an entity is {"type": "entity", "name", "entityType", "observations": […]}, a relation'
    ' {"type": "relation", "from", "to", "relationType"}'
)


def is_of_mcp(record: dict[str, Any]) -> bool:  # Any: JSON
    """Return whether a JSON object is an entity or a relation of the server."""
    match record.get("type"):
        case "entity":
            return "name" in record or "entityType" in record or "observations" in record
        case "relation":
            return "relationType" in record or ("from" in record and "to" in record)
        case "_aim":
            return not {"entity", "relation", "value"} & record.keys()
        case _:
            return False


def read_mcp(record: dict[str, Any], faults: Faults, kind: str = "") -> list[Item]:  # Any: JSON
    """Return the facts of a record, and count one that holds none.

    Args:
        record: the object.
        faults: counts it.
        kind: "entity" or "relation", where the object does not say so itself.

    Raises:
        BadFact: a field is missing or wrong.
    """
    if isinstance(record, dict) and record.get("type") == "_aim":
        faults.left.note("marks of a memory server")  # the first line that a fork of it writes
        return []
    items = facts_of_mcp(record, kind)
    faults.left.note("entities without facts", not items)
    return items


def facts_of_mcp(record: dict[str, Any], kind: str = "") -> list[Item]:  # Any: JSON
    """Return the facts of an entity or a relation; an entity without any gives none.

    Args:
        record: the object.
        kind: "entity" or "relation", where the object does not say so itself.

    Raises:
        BadFact: a field is missing or wrong.
    """
    if not isinstance(record, dict):
        raise BadFact(
            f"invalid fact: an {kind or 'entity'} must be an object, got {type(record).__name__}",
            hint=_HINT,
        )
    if (record.get("type") or kind) == "relation":
        start, end, relation = (_name(record, field) for field in _OF_A_RELATION)
        return [Assert(Fact(entity=start, relation=relation, value=EntityRef(end)))]
    name = _name(record, "name")
    said = (
        [(TYPE, _text(record, "entityType"))] if record.get("entityType") not in (None, "") else []
    )
    observations = record.get("observations")
    if observations is None:
        observations = []
    if not isinstance(observations, list):
        raise BadFact(
            f"invalid fact: observations must be a list, got {type(observations).__name__}",
            hint=_HINT,
        )
    for number, observation in enumerate(observations, 1):
        if not isinstance(observation, str):
            raise BadFact(
                f"invalid fact: observation {number} must be a string,"
                f" got {type(observation).__name__}",
                hint=_HINT,
            )
        said.append((OBSERVATION, observation))
    return [Assert(Fact(entity=name, relation=one, value=text)) for one, text in said]


def _name(record: dict[str, Any], field: str) -> str:  # Any: JSON
    return " ".join(_text(record, field).replace("_", " ").split())


def _text(record: dict[str, Any], field: str) -> str:  # Any: JSON
    if field not in record:
        raise BadFact(f"invalid fact: {field} is missing", hint=_HINT)
    given = record[field]
    if not isinstance(given, str):
        raise BadFact(
            f"invalid fact: {field} must be a string, got {type(given).__name__}", hint=_HINT
        )
    if not given.strip("_ \t\r\n"):
        raise BadFact(f"invalid fact: {field} must not be empty", hint=_HINT)
    return given
