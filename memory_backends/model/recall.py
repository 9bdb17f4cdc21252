"""Typed recall: a pydantic model filled from memory, and which fact filled which field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from lamlam.errors import RecallFailed, UsageError
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import LookupResult
from lamlam.memory_backends.model.recall_fields import field_shape

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Relation:
    """Names the relation behind a field, where the field's own name is another one.

    >>> from typing import Annotated
    >>> class Person(BaseModel):
    ...     born: Annotated[str, Relation("birth place")]
    >>> fields_of(Person)
    {'born': 'birth place'}
    """

    name: str


@dataclass(frozen=True, slots=True)
class Recalled(Generic[Model]):
    """A model filled from memory."""

    model: Model
    facts: Mapping[str, tuple[Fact, ...]]
    """By field: the facts that filled it, in the order of the values."""
    missing: tuple[str, ...]
    """Fields that memory did not fill; they have their defaults."""


def fields_of(model: type[BaseModel]) -> dict[str, str]:
    """Return the relation that fills each field of a model.

    In order: `Relation` in the annotation, the field's alias, its name with spaces.

    Raises:
        UsageError: not a pydantic model.
    """
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise UsageError(
            f"{model!r} is not a pydantic model", hint="derive it from pydantic.BaseModel"
        )
    return {name: _relation_of(name, field) for name, field in model.model_fields.items()}


def fill(model: type[Model], entity: str, answers: Mapping[str, LookupResult]) -> Recalled[Model]:
    """Return a model filled from one answer per field.

    A field of a collection takes every value, any other one the first; ``str | list[str]`` takes
    a list where there are several. A text of the model
    takes the surface, so that a date or a quantity may be read as the text that is written.
    Of a union (``date | str``) the member is filled that the value is. A number never becomes
    a time: the year 1867 is not 1,867 seconds after 1970.

    Raises:
        RecallFailed: a required field has no value, or one that does not fit.
    """
    given: dict[str, Any] = {}  # Any: whatever the fields take
    used: dict[str, tuple[Fact, ...]] = {}
    for name, result in answers.items():
        if not result.facts:
            continue
        facts = result.facts
        shape = field_shape(model, name)
        is_many = shape.is_many and not (shape.takes_one and len(facts) == 1)
        taken = len(facts) if is_many else 1
        items = []
        for fact, text in zip(facts[:taken], result.values[:taken], strict=True):
            try:
                items.append(shape.item(fact, text))
            except ValueError as error:
                raise RecallFailed(f"{model.__name__} of {entity!r}: {name}: {error}") from None
        used[name] = facts[:taken]
        given[name] = items if is_many else items[0]
    missing = tuple(name for name in answers if name not in used)
    try:
        # By name: an alias for validation tells how others spell a field.
        filled = model.model_validate(given, by_alias=False, by_name=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecallFailed(
            f"{model.__name__} of {entity!r}: {where}: {first['msg']}",
            hint=f"memory lacks: {', '.join(missing)}" if missing else None,
        ) from None
    return Recalled(filled, used, missing)


def _relation_of(name: str, field: FieldInfo) -> str:
    for note in field.metadata:
        if isinstance(note, Relation):
            return note.name
    return field.alias or name.replace("_", " ")
