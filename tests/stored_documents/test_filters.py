"""Which values a filter wants."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.stored_documents.filters import fits

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=6,
)
HELD = {"n": 3, "of": {"who": "Ada", "n.m": 1}, "is": True, "a.b": 1, "all": [1, 2]}


@given(VALUES)
def test_a_value_is_as_itself(value: Any) -> None:
    """By itself, and by its operator; never by the other one."""
    assert fits(value, value)
    assert fits(value, {"$eq": value})
    assert not fits(value, {"$ne": value})


@pytest.mark.parametrize(
    ("wanted", "is_fit"),
    [
        ({}, True),
        ({"n": {"$gt": 2, "$lt": 4}}, True),
        ({"n": {"$gt": 2, "$lt": 3}}, False),
        ({"n": {"$gte": 3}, "of.who": "Ada"}, True),
        ({"n": {"$lte": 2}}, False),
        ({"of": {"who": "Ada"}}, True),
        ({"of": {"n.m": 1}}, True),
        ({"a.b": 1}, True),
        ({"is": 1}, False),
        ({"all": [1, 2]}, True),
        ({"all": [1]}, False),
        ({"none": {"$gt": 0}}, False),
        ({"of": {"$gt": 0}}, False),
    ],
)
def test_fields(wanted: dict[str, Any], is_fit: bool) -> None:
    """Names with dots are fields or paths; no order holds between values of two kinds."""
    assert fits(HELD, wanted) is is_fit


def test_an_operator_that_is_not_known_is_named() -> None:
    """With those that are."""
    with pytest.raises(ValueError, match=r"unknown operator '\$in'.*\$eq, \$ne, \$gt"):
        fits(HELD, {"n": {"$in": [3]}})
