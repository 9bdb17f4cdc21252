"""The arguments of memory tools, as models of what a language model may write."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationInfo,
    field_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from lamlam.agent_tools.hostile_text import (
    MAX_NAME,
    MAX_VALUE,
    name_in_call_fault,
    text_in_call_fault,
)
from lamlam.errors import BadFact
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.facts_about import MAX_TEXT_CHARACTERS, MOST_FACTS
from lamlam.memory_backends.model.timestamps import as_moment
from lamlam.memory_backends.model.values import ValueType, parse_value, text_fault

MAX_FACTS = 100
"""Of one call of ``remember_facts``."""
_MAX_KEY, _MAX_MOMENT = 200, 60

TypeName: TypeAlias = Literal["text", "integer", "decimal", "boolean", "date", "quantity", "entity"]
"""The names of `ValueType`, as one list in a schema."""


def _name(text: str | None) -> str | None:
    if text is not None and (fault := name_in_call_fault(text)):
        raise ValueError(fault)
    return text


def _text(text: str | None) -> str | None:
    if text is not None and (fault := text_in_call_fault(text)):
        raise ValueError(fault)
    return text


def _message(text: str) -> str:
    if fault := text_fault(text, MAX_TEXT_CHARACTERS):
        raise ValueError(fault)
    return text


def _moment(text: str | None) -> str | None:
    if text is not None:
        try:
            as_moment(text)
        except BadFact as error:
            raise ValueError(_with_hint(error)) from None
    return text


def _with_hint(error: BadFact) -> str:
    said = str(error).removeprefix("invalid fact: ")
    return f"{said}: {error.hint}" if error.hint else said


Entity = Annotated[
    StrictStr,
    Field(description="Whom or what the fact is about, by name.", max_length=MAX_NAME),
    AfterValidator(_name),
]
Relation = Annotated[
    StrictStr,
    Field(description="What is asked or said of it, such as 'birth place'.", max_length=MAX_NAME),
    AfterValidator(_name),
]
_Value = Annotated[
    StrictStr,
    Field(description="The value, as a text would have it.", max_length=MAX_VALUE),
    AfterValidator(_text),
]
_Source = Annotated[
    StrictStr | None,
    Field(
        description="Where this is known from: the sentence that says it, a title, an address.",
        max_length=MAX_VALUE,
    ),
    AfterValidator(_text),
]
_Type = Annotated[
    TypeName | None,
    Field(
        description="Type of the value; without it, text. A date as 1867-11-07, 1867-11 or 1867; "
        "a quantity as '8849 m'; entity for the name of another entity."
    ),
]
_From = Annotated[
    StrictStr | None,
    Field(
        description="When it began to hold in the world: 2024, 2024-05, 2024-05-31, or a time "
        "with its zone.",
        max_length=_MAX_MOMENT,
    ),
    AfterValidator(_moment),
]
_To = Annotated[
    StrictStr | None,
    Field(
        description="The first day on which it no longer held, in the same form.",
        max_length=_MAX_MOMENT,
    ),
    AfterValidator(_moment),
]
_Confidence = Annotated[
    Annotated[float, Field(strict=True, ge=0.0, le=1.0, allow_inf_nan=False)] | None,
    Field(description="How sure it is, from 0 to 1; without it, 1."),
]
_Key = Annotated[
    StrictStr | None,
    Field(
        description="Names this change: repeated with the same key, it is made once.",
        max_length=_MAX_KEY,
    ),
    AfterValidator(_name),
]
_Actor = Annotated[
    StrictStr | None,
    Field(description="Who makes the change, for the log.", max_length=MAX_NAME),
    AfterValidator(_name),
]
_Namespace = Annotated[
    StrictStr | None,
    Field(description="The set of entities that is meant, such as 'users/7'.", max_length=1000),
]
_Limit = Annotated[
    Annotated[StrictInt, Field(ge=1, le=100)] | None,
    Field(description="Most facts to return; without it, 10."),
]


class ToolArguments(BaseModel):
    """Arguments of one call; of those that may be left out, ``null`` is the same as none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LookUp(ToolArguments):
    """Arguments of ``look_up_fact``."""

    entity: Entity
    relation: Relation
    namespace: _Namespace = None


class Search(ToolArguments):
    """Arguments of ``search_facts``."""

    text: Annotated[
        StrictStr,
        Field(description="A part of a name or of a value, or a question.", max_length=MAX_NAME),
        AfterValidator(_name),
    ]
    limit: _Limit = None
    namespace: _Namespace = None


class About(ToolArguments):
    """Arguments of ``facts_about``."""

    text: Annotated[
        StrictStr,
        Field(
            description="A message or a paragraph; names may stand anywhere in it.",
            max_length=MAX_TEXT_CHARACTERS,
        ),
        AfterValidator(_message),
    ]
    limit: Annotated[
        Annotated[StrictInt, Field(ge=1, le=100)] | None,
        Field(description=f"Most facts to return; without it, {MOST_FACTS}."),
    ] = None
    namespace: _Namespace = None


class NewFact(ToolArguments):
    """One fact that is to be kept."""

    entity: Entity
    relation: Relation
    value: _Value
    source: _Source = None
    type: _Type = None
    valid_from: _From = None
    valid_to: _To = None
    confidence: _Confidence = None

    @field_validator("type")
    @classmethod
    def _fits(cls, type_name: TypeName | None, info: ValidationInfo) -> TypeName | None:
        value = info.data.get("value")
        if type_name is not None and value is not None:
            try:
                parse_value(ValueType(type_name), value)
            except BadFact as error:
                raise ValueError(_with_hint(error)) from None
        return type_name

    @field_validator("valid_to")
    @classmethod
    def _ends(cls, until: str | None, info: ValidationInfo) -> str | None:
        begin = info.data.get("valid_from")
        if begin is not None and until is not None and as_moment(until) <= as_moment(begin):
            raise ValueError(
                f"must be after valid_from, got {until!r} after {begin!r}: "
                "write the first day on which it no longer held, or leave it out"
            )
        return until

    def fact(self, namespace: Namespace) -> Fact:
        """Return the fact, in a namespace.

        Raises:
            BadFact: the name has a key that is too long.
        """
        value = parse_value(ValueType(self.type), self.value) if self.type else self.value
        return Fact(
            entity=self.entity,
            relation=self.relation,
            value=value,
            source=self.source,
            confidence=1.0 if self.confidence is None else self.confidence,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            namespace=namespace,
        )


class Remember(NewFact):
    """Arguments of ``remember_fact``."""

    idempotency_key: _Key = None
    actor: _Actor = None
    namespace: _Namespace = None


class Correct(Remember):
    """Arguments of ``correct_fact``."""


class _EachByItself:
    """Any value, with the schema of `NewFact`: checked later, so that it is refused by its index."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(NewFact.__pydantic_core_schema__)


class RememberMany(ToolArguments):
    """Arguments of ``remember_facts``."""

    facts: Annotated[
        list[Annotated[Any, _EachByItself()]],
        Field(
            description="The facts, each with the sentence that says it as its source.",
            min_length=1,
            max_length=MAX_FACTS,
        ),
    ]
    all_or_nothing: Annotated[
        StrictBool | None,
        Field(
            description="Write nothing if one of them is refused; without it, the others are "
            "written."
        ),
    ] = None
    idempotency_key: _Key = None
    actor: _Actor = None
    namespace: _Namespace = None


class Forget(ToolArguments):
    """Arguments of ``forget_fact``."""

    entity: Entity
    relation: Annotated[
        StrictStr | None,
        Field(description="One relation; without it, all of the entity.", max_length=MAX_NAME),
        AfterValidator(_name),
    ] = None
    value: Annotated[
        StrictStr | None,
        Field(description="One value of the relation; without it, all.", max_length=MAX_VALUE),
        AfterValidator(_text),
    ] = None
    actor: _Actor = None
    namespace: _Namespace = None

    @field_validator("value")
    @classmethod
    def _of_a_relation(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("relation", "") is None:
            raise ValueError("needs the relation that has it: name it, too")
        return value
