"""What memory tools answer, as models: each has a title and a schema that hosts may pass on."""

from __future__ import annotations

import json
from collections.abc import KeysView
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lamlam.agent_tools.arguments import TypeName


class AnswerPart(BaseModel):
    """A part of an answer; also read like the object of JSON that it becomes: ``part["value"]``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def as_json(self) -> dict[str, Any]:
        """Return what JSON can hold, without the fields that say nothing."""
        # What `model_dump` calls, without the handling of its other options: tools are called often.
        made: dict[str, Any] = self.__pydantic_serializer__.to_python(
            self, mode="json", exclude_defaults=True
        )
        return made

    def as_text(self) -> str:
        """Return the JSON text, for a message to a model."""
        return json.dumps(self.as_json(), ensure_ascii=False)

    def __str__(self) -> str:
        """Return the JSON text: frameworks put the string of an answer into the conversation."""
        return self.as_text()

    def keys(self) -> KeysView[str]:
        """Return the names of the fields."""
        return type(self).model_fields.keys()

    def get(self, name: str, default: Any = None) -> Any:  # Any: of the field
        """Return a field, or the default where there is none of that name."""
        return getattr(self, name) if name in self.keys() else default

    def __getitem__(self, name: str) -> Any:  # Any: of the field
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self.keys()


class ToolResult(AnswerPart):
    """Base of the answers of all memory tools."""

    left_out: Annotated[
        str | None, Field(description="What is not shown, where the answer would be too long.")
    ] = None


class FoundValue(AnswerPart):
    """One value, with the fact behind it."""

    value: Annotated[str, Field(description="As a text writes it.")]
    fact_id: str | None
    source: Annotated[str | None, Field(description="Where it is known from.")]
    type: TypeName = "text"
    confidence: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    valid_from: Annotated[str | None, Field(description="ISO 8601.")] = None
    valid_to: Annotated[str | None, Field(description="ISO 8601: when it no longer holds.")] = None


class Saying(AnswerPart):
    """Of whom or what something is said: the fields that come first in a fact."""

    entity: str
    relation: str


class FoundFact(FoundValue, Saying):
    """One fact of memory."""

    namespace: Annotated[str, Field(description="Empty for the usual one.")] = ""


class NearName(AnswerPart):
    """What the question may have meant."""

    entity: str
    relation: str | None = None
    facts: Annotated[
        dict[str, str], Field(description="By which entities of one name differ.")
    ] = {}
    valid_from: Annotated[str | None, Field(description="Of a fact of another time only.")] = None
    valid_to: Annotated[str | None, Field(description="ISO 8601: when it no longer held.")] = None


class LookUpResult(ToolResult):
    """What memory holds of one relation of one entity."""

    model_config = ConfigDict(title="Looked-up fact")

    status: Annotated[
        Literal["hit", "miss", "ambiguous", "not_valid_at"],
        Field(description="not_valid_at: memory has values of other times only."),
    ]
    entity: Annotated[str | None, Field(description="As memory has it.")]
    relation: str | None
    values: list[FoundValue]
    more: Annotated[int, Field(description="Values that are not shown.")] = 0
    note: Annotated[str | None, Field(description="What to do where there is no value.")] = None
    candidates: list[NearName] = []
    namespace: Annotated[str, Field(description="Empty for the usual one.")] = ""


class FoundFacts(ToolResult):
    """Facts of memory."""

    model_config = ConfigDict(title="Found facts")

    facts: list[FoundFact]
    complete: Annotated[bool, Field(description="Memory holds no other that fits.")]


class FoundName(AnswerPart):
    """A name in a text, and whom memory has by it."""

    text: Annotated[str, Field(description="As the text writes it.")]
    entity: Annotated[str, Field(description="As memory has it.")]


class FactsAboutResult(FoundFacts):
    """Facts about the names in a text."""

    model_config = ConfigDict(title="Facts about a text")

    names: list[FoundName]


class RememberResult(ToolResult):
    """What was written."""

    model_config = ConfigDict(title="Remembered fact")

    status: Literal["remembered"]
    revision: Annotated[int, Field(description="Of memory afterwards.")]
    changed: Annotated[int, Field(description="0 where memory held the fact already.")]


class CorrectResult(ToolResult):
    """What was written in place of what."""

    model_config = ConfigDict(title="Corrected fact")

    status: Literal["corrected"]
    revision: Annotated[int, Field(description="Of memory afterwards.")]
    changed: int
    ended: Annotated[list[FoundFact], Field(description="Facts as they were that no longer hold.")]


class RefusedFact(AnswerPart):
    """One fact of several that is not written."""

    index: Annotated[int, Field(description="Of the fact in the list, from 0.")]
    error: Annotated[str, Field(description="What kind of error, such as BadToolCall.")]
    message: Annotated[str, Field(description="What is wrong with it, and what to do.")]


class RememberManyResult(ToolResult):
    """Which facts of several were written."""

    model_config = ConfigDict(title="Remembered facts")

    status: Annotated[
        Literal["remembered", "partly remembered", "nothing remembered"],
        Field(description="All of the facts, some of them, or none."),
    ]
    revision: Annotated[
        int | None, Field(description="Of memory afterwards; null where nothing was written.")
    ]
    changed: Annotated[int, Field(description="Without those that memory held already.")]
    remembered: Annotated[list[int], Field(description="Indices of facts that memory holds now.")]
    refused: list[RefusedFact]


class ForgetResult(ToolResult):
    """What was erased, and whether that was checked."""

    model_config = ConfigDict(title="Forgotten facts")

    status: Literal["forgotten", "nothing"]
    facts: int
    verified: Annotated[bool, Field(description="A search of the bytes confirmed it.")]
    pending: Annotated[list[str], Field(description="Places that may still hold it, and why.")]
    mentions: Annotated[int, Field(description="Places of other facts that mention the name.")]
    receipt: str
