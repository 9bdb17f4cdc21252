"""A memory as tools for agents: definitions that any framework takes, and what they call.

`TOOLS` holds all names, descriptions, argument schemas and hints; `Engine.chat` offers the first
tool to models without lookup tokens.

>>> [tool.name for tool in TOOLS]
['look_up_fact', 'search_facts', 'remember_fact', 'correct_fact', 'forget_fact']
>>> TOOLS[0].definition()["function"]["parameters"]["required"]
['entity', 'relation']
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    ValidationError,
)

from lamlam.errors import BadToolCall, UnknownOption
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Replace
from lamlam.memory_backends.model.values import text_fault
from lamlam.memory_backends.protocol import check_store

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import LookupResult
    from lamlam.memory_backends.protocol import FactStore

MAX_ARGUMENT_CHARACTERS = 200_000
"""Of the JSON text of one call."""
_MAX_NAME, _MAX_VALUE = 300, 20_000
_MAX_VALUES = 50


def _name(text: str) -> str:
    fault = text_fault(text, _MAX_NAME) or _unprintable(text)
    if fault:
        raise ValueError(fault)
    return text


def _value(text: str) -> str:
    fault = text_fault(text, _MAX_VALUE) or _unprintable(text.replace("\n", "").replace("\t", ""))
    if fault:
        raise ValueError(fault)
    return text


def _unprintable(text: str) -> str | None:
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in text):
        return "must not contain a control character"
    return None


Entity = Annotated[
    StrictStr,
    Field(description="Whom or what the fact is about, by name.", max_length=_MAX_NAME),
    AfterValidator(_name),
]
Relation = Annotated[
    StrictStr,
    Field(description="What is asked or said of it, such as 'birth place'.", max_length=_MAX_NAME),
    AfterValidator(_name),
]
_Value = Annotated[
    StrictStr,
    Field(description="The value, as a text would have it.", max_length=_MAX_VALUE),
    AfterValidator(_value),
]
_Source = Annotated[
    StrictStr | None,
    Field(description="Where this is known from.", max_length=_MAX_VALUE),
    AfterValidator(lambda text: text if text is None else _value(text)),
]


class _Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LookUp(_Arguments):
    """Arguments of ``look_up_fact``."""

    entity: Entity
    relation: Relation


class Search(_Arguments):
    """Arguments of ``search_facts``."""

    text: Annotated[
        StrictStr,
        Field(description="A part of a name or of a value, or a question.", max_length=_MAX_NAME),
        AfterValidator(_name),
    ]
    limit: Annotated[StrictInt, Field(description="Most facts to return.", ge=1, le=100)] = 10


class Remember(_Arguments):
    """Arguments of ``remember_fact``."""

    entity: Entity
    relation: Relation
    value: _Value
    source: _Source = None


class Correct(Remember):
    """Arguments of ``correct_fact``."""


class Forget(_Arguments):
    """Arguments of ``forget_fact``."""

    entity: Entity
    relation: Annotated[
        StrictStr | None,
        Field(description="One relation; without it, all of the entity.", max_length=_MAX_NAME),
        AfterValidator(lambda text: text if text is None else _name(text)),
    ] = None


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: what a model reads about it, and what a host may know before it allows a call."""

    name: str
    description: str
    arguments: type[BaseModel]
    reads_only: bool
    destroys: bool = False
    """What it removes cannot be restored."""
    is_idempotent: bool = True
    """A second call with the same arguments changes nothing more."""

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the arguments."""
        schema = self.arguments.model_json_schema()
        schema = {key: schema[key] for key in ("type", "properties", "required") if key in schema}
        for field in schema["properties"].values():
            field.pop("title", None)
        return {**schema, "additionalProperties": False}

    def definition(self) -> dict[str, Any]:
        """Return the definition in the form of OpenAI's function calling."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": self.schema(),
        }
        return {"type": "function", "function": function}

    def mcp_definition(self) -> dict[str, Any]:
        """Return the definition in the form of the Model Context Protocol, hints included."""
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": self.schema(),
            "annotations": {
                "readOnlyHint": self.reads_only,
                "destructiveHint": self.destroys,
                "idempotentHint": self.is_idempotent,
                "openWorldHint": False,
            },
        }


TOOLS = (
    Tool(
        "look_up_fact",
        "Look up in memory what one relation of one entity is.",
        LookUp,
        reads_only=True,
    ),
    Tool(
        "search_facts",
        "Find facts in memory by a part of a name or of a value, or by the words of a question.",
        Search,
        reads_only=True,
    ),
    Tool(
        "remember_fact",
        "Add a fact to memory, beside what the relation holds already.",
        Remember,
        reads_only=False,
    ),
    Tool(
        "correct_fact",
        "Make a value the only one that the relation holds; the old ones stay in the history.",
        Correct,
        reads_only=False,
    ),
    Tool(
        "forget_fact",
        "Erase facts from memory for good, their history included.",
        Forget,
        reads_only=False,
        destroys=True,
    ),
)
_TOOLS = {tool.name: tool for tool in TOOLS}


def read_arguments(tool: Tool, arguments: str | Mapping[str, Any]) -> BaseModel:
    """Return the checked arguments of a call.

    Raises:
        BadToolCall: not a JSON object, or an argument that is missing, unknown or invalid.
    """
    if isinstance(arguments, str):
        arguments = _json_object(tool, arguments)
    if not isinstance(arguments, Mapping):
        raise BadToolCall(f"{tool.name}: the arguments must be a JSON object")
    try:
        return tool.arguments.model_validate(dict(arguments))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part)[:40] for part in first["loc"]) or "arguments"
        said = str(first["msg"]).removeprefix("Value error, ")
        raise BadToolCall(
            f"{tool.name}: {where}: {said}",
            hint=f"arguments: {', '.join(tool.arguments.model_fields)}",
        ) from None


def _json_object(tool: Tool, text: str) -> dict[str, Any]:
    if len(text) > MAX_ARGUMENT_CHARACTERS:
        raise BadToolCall(f"{tool.name}: the arguments have {len(text):,} characters")
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        raise BadToolCall(f"{tool.name}: the arguments must be JSON") from None
    if not isinstance(read, dict):
        raise BadToolCall(f"{tool.name}: the arguments must be a JSON object")
    return read


class MemoryTools:
    """The tools over one memory; each answers with what JSON can hold."""

    def __init__(self, store: FactStore, *, names: Iterable[str] | None = None) -> None:
        """Offer tools.

        Args:
            store: stays open.
            names: which tools; by default all, or where the store was opened for reading those
                that only read.

        Raises:
            UnknownOption: a name that no tool has.
            UsageError: not a store.
        """
        check_store(store)
        can_write = "write" in store.capabilities
        offered = [tool.name for tool in TOOLS if can_write or tool.reads_only]
        if names is not None:
            offered = list(dict.fromkeys(names))
        for name in offered:
            if name not in _TOOLS:
                raise UnknownOption(f"unknown tool {name!r}", hint=f"one of: {', '.join(_TOOLS)}")
        self.tools = tuple(_TOOLS[name] for name in offered)
        self._store = store
        self._callables: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
            "look_up_fact": self.look_up,
            "search_facts": self.search,
            "remember_fact": self.remember,
            "correct_fact": self.correct,
            "forget_fact": self.forget,
        }

    def definitions(self) -> list[dict[str, Any]]:
        """Return what is offered, in the form of OpenAI's function calling."""
        return [tool.definition() for tool in self.tools]

    def mcp_definitions(self) -> list[dict[str, Any]]:
        """Return what is offered, in the form of the Model Context Protocol."""
        return [tool.mcp_definition() for tool in self.tools]

    async def call(self, name: str, arguments: str | Mapping[str, Any]) -> dict[str, Any]:
        """Do what a model asked for.

        Args:
            arguments: as an object, or as its JSON text.

        Raises:
            BadToolCall: the tool is not offered, or the arguments are invalid.
            FactStoreError: the memory refused, or failed.
        """
        tool = next((tool for tool in self.tools if tool.name == name), None)
        if tool is None:
            offered = ", ".join(tool.name for tool in self.tools)
            raise BadToolCall(f"unknown tool {str(name)[:60]!r}", hint=f"one of: {offered}")
        checked = read_arguments(tool, arguments)
        fields = {field: getattr(checked, field) for field in type(checked).model_fields}
        return await self._callables[name](**fields)

    async def look_up(self, entity: str, relation: str) -> dict[str, Any]:
        """Return the values of one relation, each with its fact's id and source, or the miss."""
        asked = LookUp.model_validate(_checked("look_up_fact", entity=entity, relation=relation))
        return answer(await self._store.lookup(asked.entity, asked.relation))

    async def search(self, text: str, limit: int = 10) -> dict[str, Any]:
        """Return facts that a part of a name or of a value finds, or a question; names first."""
        _checked("search_facts", text=text, limit=limit)
        found = await self._store.search(text, limit=limit)
        return {"facts": [_as_dict(fact) for fact in found.facts], "complete": found.is_complete}

    async def remember(
        self, entity: str, relation: str, value: str, source: str | None = None
    ) -> dict[str, Any]:
        """Add a fact to memory, beside the values that the relation has."""
        _checked("remember_fact", entity=entity, relation=relation, value=value, source=source)
        fact = Fact(entity=entity, relation=relation, value=value, source=source)
        commit = await self._store.apply([Assert(fact)])
        return {"status": "remembered", "revision": int(commit.revision), "changed": commit.facts}

    async def correct(
        self, entity: str, relation: str, value: str, source: str | None = None
    ) -> dict[str, Any]:
        """Make a value the only one of the relation; the answer names each fact that this ended."""
        _checked("correct_fact", entity=entity, relation=relation, value=value, source=source)
        fact = Fact(entity=entity, relation=relation, value=value, source=source)
        commit = await self._store.apply([Replace(fact)])
        return {
            "status": "corrected",
            "revision": int(commit.revision),
            "changed": commit.facts,
            "ended": [_as_dict(ended) for ended in commit.ended],
        }

    async def forget(self, entity: str, relation: str | None = None) -> dict[str, Any]:
        """Erase facts; the answer is the receipt."""
        _checked("forget_fact", entity=entity, relation=relation)
        receipt = await self._store.erase(entity, relation, reason="asked for by an agent")
        return {
            "status": "nothing" if receipt.is_empty else "forgotten",
            "facts": receipt.facts,
            "verified": receipt.verified,
            "pending": list(receipt.pending),
            "mentions": receipt.n_mentions,
            "receipt": str(receipt),
        }


def answer(result: LookupResult) -> dict[str, Any]:
    """Return the result of a lookup as JSON can hold it; a miss is said to be one."""
    match = result.match
    found: dict[str, Any] = {
        "status": str(result.status),
        "entity": match.entity.matched,
        "relation": match.relation.matched,
        "values": [],
    }
    if str(result.status) == "hit":
        first = (result.answer(n) for n in range(_MAX_VALUES))
        found["values"] = [
            {"value": one.value, "fact_id": one.fact_id, "source": one.source}
            for one in first
            if one is not None
        ]
        if len(result.values) > _MAX_VALUES:
            found["more"] = len(result.values) - _MAX_VALUES
    elif str(result.status) == "ambiguous":
        found["note"] = (
            "several entities have this name; ask for the candidate whose facts fit, by its full name"
        )
    else:
        found["note"] = "memory does not hold this; say so instead of guessing"
    if result.candidates:
        found["candidates"] = [
            {
                "entity": near.entity,
                "relation": near.relation,
                **({"facts": dict(near.facts)} if near.facts else {}),
            }
            for near in result.candidates[:5]
        ]
    return found


def _checked(name: str, **arguments: Any) -> dict[str, Any]:
    """Return the arguments; callables that are called directly check them, too."""
    read_arguments(_TOOLS[name], arguments)
    return arguments


def _as_dict(fact: Fact) -> dict[str, Any]:
    return {
        "entity": fact.entity,
        "relation": fact.relation,
        "value": fact.surface,
        "fact_id": fact.id,
        "source": fact.source,
    }
