"""The status of a lookup has one type: in the store's answer, a completion, and what they become."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import replace

import pytest

import lamlam
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.lookup_answers import record_of, status_of
from lamlam.runtime.decoding.spans import LookupRecord


@pytest.mark.parametrize("status", lamlam.LookupStatus)
def test_a_status_is_an_enumeration_and_its_text(status: lamlam.LookupStatus) -> None:
    """Comparing, formatting, JSON, copies and pickles know it by its text."""
    record = LookupRecord("Ada", "job", status)
    assert record.status is status
    assert record.status == status.value and f"{record.status}" == status.value
    assert json.loads(json.dumps({"status": record.status})) == {"status": status.value}
    assert pickle.loads(pickle.dumps(record)).status is status
    assert copy.deepcopy(record).status is status and replace(record, at=1).status is status
    assert repr(record.status) == repr(status)
    by_text = LookupRecord("Ada", "job", status.value)  # type: ignore[arg-type]
    assert by_text.status is status and by_text == record
    (plain,) = Completion("", (), (record,), "stop", 0, 0, 0).as_dict()["lookups"]
    assert type(plain["status"]) is str and plain["status"] == status.value


def test_the_store_and_the_completion_give_the_same_type() -> None:
    """The status of an answer is carried over; one that is nothing of that kind is refused."""
    with SyncFactStore("memory:") as store:
        store.apply([Assert(Fact(entity="Ada", relation="job", value="miller"))])
        for relation in ("job", "spouse"):
            result = store.lookup("Ada", relation)
            assert isinstance(result.status, lamlam.LookupStatus)
            record = record_of(lamlam.Lookup("Ada", relation), result, status_of(result), 0.0)
            assert record.status is result.status
    with pytest.raises(ValueError, match="perhaps"):
        LookupRecord("Ada", "job", "perhaps")  # type: ignore[arg-type]
