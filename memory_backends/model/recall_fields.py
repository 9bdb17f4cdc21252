"""What a field of a recalled model takes: the form of a value that its type accepts as it is.

Pydantic would read any number as seconds since 1970 where a time is asked for, and a union as
whatever comes first. So each form of a value (itself, as `datetime.date`, as text) is tried
strictly before any is converted, and conversions that change what is said are refused.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    PlainValidator,
    ValidationError,
    WrapValidator,
    create_model,
)

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.values import PartialDate, Value, kept_entity

_COLLECTIONS = (list, tuple, set, frozenset, deque, Sequence, Collection, Iterable, Set)
_CONVERTERS = (BeforeValidator, PlainValidator, WrapValidator)


@dataclass(frozen=True, slots=True)
class FieldShape:
    """How one field of a model is filled."""

    is_many: bool
    """It takes every value."""
    takes_one: bool
    """It also takes a single value as it is, as ``str | list[str]`` does."""
    probe: type[BaseModel]
    """A model of one field ``value``, which takes what one value of the field may be."""
    converts: bool
    """The model has validators of its own that see a value before its type is checked."""

    def item(self, fact: Fact, text: str) -> Any:  # Any: whatever the field takes
        """Return the form of a value that the field takes.

        Args:
            text: what the lookup answered with; of an inverse relation that is another entity.

        Raises:
            ValueError: it takes none.
        """
        # Of an inverse relation the answer is the entity whose fact it is.
        is_inverse = fact.surface != text
        value: Value = text if is_inverse else fact.value
        forms = [kept_entity(text), text] if is_inverse else _forms(value, text)
        problem = ""
        for is_strict in (True, False):
            for form in forms:
                try:
                    read = self.probe.model_validate(
                        {"value": form}, strict=is_strict or None, by_alias=False, by_name=True
                    )
                except ValidationError as error:
                    problem = problem or error.errors(include_url=False)[0]["msg"]
                    continue
                if not _is_misread(form, getattr(read, "value")):  # noqa: B009
                    return form
        if self.converts:
            return value if isinstance(value, str | int | Decimal) else text
        raise ValueError(f"{problem or 'a value of another type'}, got {text[:60]!r}")


@lru_cache(maxsize=256)
def field_shape(model: type[BaseModel], name: str) -> FieldShape:
    """Return how a field of a model is filled."""
    field = model.model_fields[name]
    kinds = _kinds(field.annotation)
    is_many = any(map(_is_collection, kinds))
    wanted: Any  # annotations have no common type
    if is_many:
        wanted = Union.__getitem__(tuple(map(_item_kind, kinds)))
    else:
        wanted = field.annotation
        for note in field.metadata:
            wanted = Annotated[wanted, note]
    probe = create_model("Probe", __config__=model.model_config, value=(wanted, ...))
    decorators = model.__pydantic_decorators__
    converts = (
        any(isinstance(note, _CONVERTERS) for note in field.metadata)
        or any(
            name in one.info.fields and one.info.mode != "after"
            for one in decorators.field_validators.values()
        )
        or any(one.info.mode != "after" for one in decorators.model_validators.values())
    )
    return FieldShape(is_many, not all(map(_is_collection, kinds)), probe, converts)


def _kinds(annotation: Any) -> tuple[Any, ...]:  # Any: annotations have no common type
    """Return the members of a union but ``None``, or the only one."""
    annotation = _without_none(annotation)
    if get_origin(annotation) not in (Union, UnionType):
        return (annotation,)
    return tuple(_without_none(kind) for kind in get_args(annotation) if kind is not NoneType)


def _is_collection(kind: Any) -> bool:  # Any: as above
    return get_origin(kind) in _COLLECTIONS or kind in _COLLECTIONS


def _item_kind(kind: Any) -> Any:  # Any: as above
    return _without_none((get_args(kind) or (Any,))[0]) if _is_collection(kind) else kind


def _without_none(annotation: Any) -> Any:  # Any: annotations have no common type
    while True:
        if hasattr(annotation, "__supertype__"):  # a NewType
            annotation = annotation.__supertype__
        elif hasattr(annotation, "__value__"):  # `type X = …`
            annotation = annotation.__value__
        elif get_origin(annotation) in (Union, UnionType):
            kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
            if len(kinds) != 1:
                return annotation
            annotation = kinds[0]
        else:
            return annotation


def _forms(value: Value, text: str) -> list[object]:
    """Return what a value may be given as; what says most comes first."""
    match value:
        case str():
            return [text, value]
        case PartialDate(year, month, day):
            forms: list[object] = [value]
            if month and day and year >= 1:
                forms.append(date(year, month, day))
            forms.append(text)
            if year >= 1 and month is None:
                forms.append(value.isoformat())  # of a year the number, "0067"
            return forms
        case _:
            return [value, text]


def _is_misread(form: object, read: object) -> bool:
    """Return whether a conversion changed what the value says."""
    if isinstance(read, date | time | timedelta):
        return _is_number(form)
    if isinstance(form, bool) and isinstance(read, int | float | Decimal):
        return not isinstance(read, bool)
    return isinstance(read, float) and not math.isfinite(read)


def _is_number(form: object) -> bool:
    if isinstance(form, str):
        try:
            float(form)
        except ValueError:
            return False
        return True
    return isinstance(form, int | float | Decimal)
