"""Which values of JSON a filter wants."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

_ORDERS = {"$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le}


def fits(held: Any, wanted: Any) -> bool:
    """Return whether a value of JSON is as a filter wants it.

    Raises:
        ValueError: the filter has an operator that is not known.

    >>> fits({"n": 3, "of": {"who": "Ada"}}, {"n": {"$gt": 2}, "of.who": "Ada"})
    True
    """
    if isinstance(wanted, Mapping):
        if any(name.startswith("$") for name in wanted):
            return all(_compares(held, name, one) for name, one in wanted.items())
        return isinstance(held, Mapping) and all(
            fits(_field(held, name), one) for name, one in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        is_list = isinstance(held, list) and len(held) == len(wanted)
        return is_list and all(map(fits, held, wanted))
    return bool(held == wanted) and isinstance(held, bool) == isinstance(wanted, bool)


def _compares(held: Any, name: str, wanted: Any) -> bool:
    if name in ("$eq", "$ne"):
        return fits(held, wanted) == (name == "$eq")
    if name not in _ORDERS:
        raise ValueError(
            f"unknown operator {name!r} in a filter; one of: $eq, $ne, {', '.join(_ORDERS)}"
        )
    try:
        return bool(_ORDERS[name](held, wanted))
    except TypeError:  # no value there, or one of another kind
        return False


def _field(held: Mapping[str, Any], path: str) -> Any:
    """Return what a field holds; a path of several names leads into the values of fields."""
    first, _, rest = path.partition(".")
    inner = held.get(first)
    if path in held or not rest or not isinstance(inner, Mapping):
        return held.get(path)
    return _field(inner, rest)
