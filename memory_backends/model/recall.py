"""Typed recall: a pydantic model filled from memory, and which fact filled which field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from lamlam.errors import RecallFailed, UsageError
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import LookupResult
from lamlam.memory_backends.model.values import EntityRef, PartialDate, Quantity

Model = TypeVar("Model", bound=BaseModel)
_COLLECTIONS = (list, tuple, set, frozenset)
_OWN_TYPES = (PartialDate, Quantity, EntityRef)


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

    A field of a collection takes every value, any other one the first. A text of the model
    takes the surface, so that a date or a quantity may be read as the text that is written.

    Raises:
        RecallFailed: a required field has no value, or one that does not fit.
    """
    given: dict[str, Any] = {}  # Any: whatever the fields take
    used: dict[str, tuple[Fact, ...]] = {}
    for name, result in answers.items():
        if not result.facts:
            continue
        field = model.model_fields[name]
        field_type = _without_none(field.annotation)
        facts = result.facts
        items = [
            _for_field(fact, text, _item_type(field_type))
            for fact, text in zip(facts, result.values, strict=True)
        ]
        is_many = get_origin(field_type) in _COLLECTIONS or field_type in _COLLECTIONS
        used[name] = facts if is_many else facts[:1]
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


def _without_none(annotation: Any) -> Any:  # Any: annotations have no common type
    if get_origin(annotation) in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
        return kinds[0] if len(kinds) == 1 else annotation
    return annotation


def _item_type(annotation: Any) -> Any:
    if get_origin(annotation) in _COLLECTIONS:
        return _without_none((get_args(annotation) or (Any,))[0])
    return annotation


def _for_field(fact: Fact, text: str, field_type: Any) -> Any:
    """Return the value as the field takes it; ``text`` is what the lookup answered with."""
    if field_type is str or fact.surface != text:  # of an inverse relation the text is the entity
        return text
    if (
        isinstance(fact.value, _OWN_TYPES)
        and isinstance(field_type, type)
        and field_type is not Any
    ):
        if field_type in type(fact.value).__mro__:  # not every type may be asked for its instances
            return fact.value
        # A full date as the text that pydantic reads as one; what fits nothing, it refuses.
        return fact.value.isoformat() if isinstance(fact.value, PartialDate) else text
    return fact.value
