"""`Fact`: one statement as a user writes it and reads it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    StrictStr,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails

from lamlam.errors import BadFact
from lamlam.memory_backends.model.early_moments import EarlyMoment, Instant
from lamlam.memory_backends.model.plain_forms import plain_text
from lamlam.memory_backends.model.timestamps import as_moment
from lamlam.memory_backends.model.values import (
    MAX_VALUE_CHARACTERS,
    NOT_TEXT,
    PartialDate,
    Value,
    ValueType,
    as_json,
    as_value,
    from_json,
    is_text,
    name_fault,
    surface_of,
    text_fault,
    type_of,
)

MAX_SOURCE_CHARACTERS = 100_000
MAX_SOURCES = 100
MAX_NAMESPACE_PARTS = 8
_MAX_PART_CHARACTERS = 100

Namespace: TypeAlias = tuple[str, ...]
"""A separate set of entities inside a store; ``()`` is the unnamed one."""
Moment: TypeAlias = Instant | date | PartialDate | str
"""What `Fact` takes as the begin or the end of a period."""


class Fact(BaseModel):
    """One value of one relation of one entity, with where it came from.

    A plain string stays text: no guessing of types. ``id``, ``revision`` and ``retracted``
    are filled by the store and ``None`` before.

    >>> Fact(entity="Ada Lovelace", relation="birth place", value="London").value
    'London'
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        defer_build=True,  # with the first fact: a text asks for values, and starts without it
    )

    entity: StrictStr
    relation: StrictStr
    value: Value
    surface: StrictStr = ""
    """The text that a model writes for the value; by default made from the value."""
    sources: tuple[StrictStr, ...] = ()
    confidence: float = Field(default=1.0, ge=0.0, le=1.0, allow_inf_nan=False)
    valid_from: Instant | None = None
    """Begin of the period in which it holds in the world; ``None``: open."""
    valid_to: Instant | None = None
    """The first moment at which it no longer holds; ``None``: open."""
    namespace: Namespace = ()
    id: str | None = None
    revision: int | None = None
    """The revision of the store at which it was asserted as it stands."""
    retracted: int | None = None
    """The revision at which it ended, of a fact of the past."""

    def __init__(
        self,
        *,
        entity: str,
        relation: str,
        value: Value | float | date,
        surface: str | None = None,
        source: str | None = None,
        sources: Iterable[str] = (),
        confidence: float = 1.0,
        valid_from: Moment | None = None,
        valid_to: Moment | None = None,
        namespace: Iterable[str] = (),
        id: str | None = None,
        revision: int | None = None,
        retracted: int | None = None,
    ) -> None:
        """Check the fields.

        Args:
            entity: whom or what the fact is about.
            relation: what is said of it.
            value: a text, integer, decimal, boolean, date, `Quantity` or `EntityRef`.
            surface: the text that a model writes for it, where it is not the usual one.
            source: where it is known from; put before ``sources``.
            sources: more of them.
            confidence: from 0 to 1.
            valid_from: when it began to hold in the world.
            valid_to: the first moment at which it no longer did.
            namespace: the set of entities that it belongs to.
            id: filled by the store.
            revision: filled by the store.
            retracted: filled by the store.

        Raises:
            BadFact: a field is missing, empty, too long, or of the wrong type.
        """
        checked = as_value(value)
        if isinstance(sources, str):
            raise BadFact(
                "invalid fact: sources must be a list of strings, got a single one",
                hint="name one source as source=",
            )
        if not hasattr(sources, "__iter__"):
            raise BadFact(
                f"invalid fact: sources must be a list of strings, got {type(sources).__name__}",
                hint="write a tuple, or leave it out",
            )
        if isinstance(namespace, str):
            raise BadFact(
                "invalid fact: namespace must be a tuple of strings, got a single string",
                hint="write it as a tuple",
            )
        given = (source, *sources) if source is not None else tuple(sources)
        for one in given:
            check_text(sources=one)
        try:
            super().__init__(
                entity=entity,
                relation=relation,
                value=checked,
                surface=surface_of(checked) if surface is None else surface,
                sources=tuple(dict.fromkeys(given)),
                confidence=confidence,
                valid_from=None if valid_from is None else as_moment(valid_from),
                valid_to=None if valid_to is None else as_moment(valid_to),
                namespace=namespace,
                id=id,
                revision=revision,
                retracted=retracted,
            )
        except ValidationError as error:
            raise BadFact(_one_line(error)) from None
        except TypeError as error:  # a source that cannot be hashed
            raise BadFact(f"invalid fact: {error}") from None
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise BadFact("invalid fact: valid_to must be after valid_from")

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:  # Any: as pydantic has them
        """Return the fact that a mapping of fields holds, as `model_dump` gives them.

        Raises:
            BadFact: it holds none.
        """
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise BadFact(_one_line(error)) from None

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Return the fact that a JSON object holds, as `model_dump_json` gives it.

        Raises:
            BadFact: it holds none.
        """
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            raise BadFact(_one_line(error)) from None

    @model_validator(mode="wrap")  # one of the mode "before" comes after `__init__`
    @classmethod
    def _dumped(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return handler(_as_arguments(given))

    @property
    def source(self) -> str | None:
        """The first source, or ``None``."""
        return self.sources[0] if self.sources else None

    @property
    def type(self) -> ValueType:
        """The type of the value."""
        return type_of(self.value)

    @field_validator("value", mode="plain")
    @classmethod
    def _value(cls, given: Any) -> Value:  # Any: whatever was given
        return as_value(given)

    @field_serializer("value")
    def _value_as_json(self, value: Value) -> Any:  # Any: JSON
        return as_json(value)

    @field_serializer("valid_from", "valid_to", mode="wrap")
    def _moment_as_text(
        self,
        moment: Instant | None,
        handler: SerializerFunctionWrapHandler,
    ) -> Any:  # Any: a moment, or its text
        return moment.isoformat() if isinstance(moment, EarlyMoment) else handler(moment)

    @field_validator("entity", "relation")
    @classmethod
    def _name(cls, text: str) -> str:
        if fault := name_fault(text):
            raise ValueError(fault)
        return text

    @field_validator("surface")
    @classmethod
    def _surface(cls, text: str) -> str:
        return _checked(text, MAX_VALUE_CHARACTERS)

    @field_validator("sources")
    @classmethod
    def _sources(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        if len(texts) > MAX_SOURCES:
            raise ValueError(f"must be at most {MAX_SOURCES}, got {len(texts)}")
        return tuple(_checked(text, MAX_SOURCE_CHARACTERS) for text in texts)

    @field_validator("namespace", mode="before")
    @classmethod
    def _namespace(cls, parts: Any) -> Namespace:  # Any: whatever was given
        return check_namespace(parts)


_FIELDS = frozenset(Fact.model_fields)
_TAKEN = _FIELDS | {"source"}
_NEEDED = ("entity", "relation", "value")


def check_namespace(parts: Iterable[str]) -> Namespace:
    """Return the namespace, whose parts any backend can keep and any URL or file name can hold.

    Raises:
        BadFact: too many parts, or a part that is empty, too long, or holds a space at an end,
            a slash or a control character.
    """
    if isinstance(parts, str):
        raise BadFact(
            "namespace must be a tuple of strings, got a single string", hint="write it as a tuple"
        )
    try:
        namespace = tuple(parts)
    except TypeError:
        raise BadFact(
            f"namespace must be a tuple of strings, got {type(parts).__name__}",
            hint="write a tuple",
        ) from None
    if len(namespace) > MAX_NAMESPACE_PARTS:
        raise BadFact(
            f"namespace must have at most {MAX_NAMESPACE_PARTS} parts, got {len(namespace)}"
        )
    for part in namespace:
        fault = text_fault(part, _MAX_PART_CHARACTERS)
        if fault is None and (part != part.strip() or "/" in part or not part.isprintable()):
            fault = "must not contain a slash, a control character, or a space at an end"
        if fault:
            raise BadFact(f"namespace: each part {fault}")
    return tuple(map(plain_text, namespace))


def check_text(**fields: str | None) -> None:
    """Check that every field that is given is a string.

    Raises:
        BadFact: one is not a string, or holds half a surrogate pair.
    """
    for name, text in fields.items():
        if text is None:
            continue
        if not isinstance(text, str):
            raise BadFact(f"invalid fact: {name} must be a string, got {type(text).__name__}")
        if not is_text(text):
            raise BadFact(f"invalid fact: {name} {NOT_TEXT}")


def check_flags(**flags: object) -> None:
    """Check that every switch is on or off: "no" and 0 would count as on and off.

    Raises:
        BadFact: one is neither True nor False.
    """
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise BadFact(f"{name} must be True or False, got {flag!r}"[:120])


def _checked(text: str, limit: int) -> str:
    fault = text_fault(text, limit)
    if fault:
        raise ValueError(fault)
    return text


def _as_arguments(given: Any) -> Any:  # Any: whatever is validated
    """Return what `Fact.__init__` takes, of what it gives itself or of a dump."""
    if type(given) is not dict:
        return given
    if type(given.get("value")) is dict:
        given = {**given, "value": from_json(given["value"])}
    if given.keys() != _FIELDS and (faults := _faults(given)):
        raise ValidationError.from_exception_data("Fact", faults)
    return given


def _faults(given: Mapping[Any, Any]) -> list[InitErrorDetails]:
    """Return what is missing and what is not a field: a call would end in `TypeError`."""
    missing = [name for name in _NEEDED if name not in given]
    unknown = [name for name in given if name not in _TAKEN]
    return [InitErrorDetails(type="missing", loc=(name,), input=given) for name in missing] + [
        InitErrorDetails(type="extra_forbidden", loc=(str(name),), input=given[name])
        for name in unknown
    ]


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "fact"
    given = first["input"]
    if first["type"] == "missing":
        message = "is missing"
    elif first["type"] == "extra_forbidden":
        message = "is not a field"
    else:
        is_number = isinstance(given, int | float) and "string" not in str(first["msg"])
        shown = repr(given) if is_number else type(given).__name__
        message = str(first["msg"])
        message = message.replace("Input should be a valid", "must be a").replace(
            "Input should be", "must be"
        )
        message = message.partition(", unable to parse")[0]
        message = (
            message.removeprefix("Value error, ")
            if "Value" in message
            else f"{message}, got {shown}"
        )
    return f"invalid fact: {field} {message}"
