"""`Fact`: one statement as a user writes it and reads it back."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError, field_validator

from lamlam.errors import BadFact

MAX_NAME_CHARACTERS = 1_000
"""Longest entity or relation."""
MAX_VALUE_CHARACTERS = 1_000_000
MAX_SOURCE_CHARACTERS = 100_000
_NO_TEXT = "holds half a surrogate pair, which is no text"


class Fact(BaseModel):
    """One value of one relation of one entity, with where it came from.

    A plain string stays text: no guessing of types. ``id`` and ``revision`` are filled by
    the store and ``None`` before.

    >>> Fact(entity="Ada Lovelace", relation="birth place", value="London").value
    'London'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: StrictStr
    relation: StrictStr
    value: StrictStr
    source: StrictStr | None = None
    confidence: float = Field(default=1.0, ge=0.0, le=1.0)
    id: str | None = None
    revision: int | None = None

    def __init__(
        self,
        *,
        entity: str,
        relation: str,
        value: str,
        source: str | None = None,
        confidence: float = 1.0,
        id: str | None = None,
        revision: int | None = None,
    ) -> None:
        """Check the fields.

        Raises:
            BadFact: a field is missing, empty, too long, no text, or holds NUL.
        """
        try:
            super().__init__(
                entity=entity,
                relation=relation,
                value=value,
                source=source,
                confidence=confidence,
                id=id,
                revision=revision,
            )
        except ValidationError as error:
            raise BadFact(_one_line(error)) from None

    @field_validator("entity", "relation")
    @classmethod
    def _name(cls, text: str) -> str:
        return _checked(text, MAX_NAME_CHARACTERS)

    @field_validator("value")
    @classmethod
    def _value(cls, text: str) -> str:
        return _checked(text, MAX_VALUE_CHARACTERS)

    @field_validator("source")
    @classmethod
    def _source(cls, text: str | None) -> str | None:
        return None if text is None else _checked(text, MAX_SOURCE_CHARACTERS)


def field_fault(text: object, limit: int) -> str | None:
    """What is wrong with one field of a fact, or ``None``."""
    if not isinstance(text, str):
        return f"is no text but {type(text).__name__}"
    if not text or text.isspace():
        return "is empty"
    if len(text) > limit:
        return f"has {len(text):,} characters, at most {limit:,} are kept"
    if "\0" in text:
        return "holds the character NUL"
    return None if is_text(text) else _NO_TEXT


def is_text(text: str) -> bool:
    """False for halves of surrogate pairs, as bytes that are no UTF-8 become on a command line."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_text(**fields: str | None) -> None:
    """Every field that is given is text.

    Raises:
        BadFact: one holds half a surrogate pair.
    """
    for name, text in fields.items():
        if text is not None and not is_text(text):
            raise BadFact(f"no fact: {name}: {_NO_TEXT}")


def _checked(text: str, limit: int) -> str:
    fault = field_fault(text, limit)
    if fault:
        raise ValueError(fault)
    return text


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "fact"
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"no fact: {field}: {message}"
