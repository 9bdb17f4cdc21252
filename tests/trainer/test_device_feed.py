"""Batches come in order, errors come where the batch would have come, and closing never waits."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from lamlam.errors import NothingToLearn
from lamlam.trainer.data_loader import Batch
from lamlam.trainer.device_feed import DeviceFeed
from lamlam.trainer.packing import IGNORED, PackedRows

CPU = torch.device("cpu")


def batch(number: int, label: int = 1) -> Batch:
    inputs = np.full((2, 4), number, dtype=np.int32)
    labels = np.full((2, 4), label, dtype=np.int32)
    labels[0, :3] = IGNORED
    return Batch(0, number, PackedRows(inputs, labels))


def test_batches_come_in_order_counted_and_as_long_integers() -> None:
    with DeviceFeed(map(batch, range(9)), CPU) as feed:
        seen = list(feed)
    assert [one.batch.number for one in seen] == list(range(9))
    assert all(one.n_learnt == 5 for one in seen)
    assert seen[3].inputs.dtype == torch.long and int(seen[3].inputs[0, 0]) == 3


def test_an_endless_loader_is_left_at_once() -> None:
    taken: list[int] = []

    def endless() -> Iterator[Batch]:
        for number in itertools.count():
            taken.append(number)
            yield batch(number)

    with DeviceFeed(endless(), CPU) as feed:
        next(feed)
    n = len(taken)
    assert n <= 6  # the one that was taken, those that wait, one in hand, and what closing let in
    assert not feed._thread.is_alive()


def test_an_error_of_the_loader_is_raised_where_its_batch_was_due() -> None:
    def broken() -> Iterator[Batch]:
        yield batch(0)
        raise OSError("the disk is gone")

    with DeviceFeed(broken(), CPU) as feed:
        assert next(feed).batch.number == 0
        with pytest.raises(OSError, match="disk is gone"):
            next(feed)


def test_a_batch_with_nothing_to_learn_is_refused() -> None:
    with DeviceFeed(iter([batch(0, IGNORED)]), CPU) as feed, pytest.raises(NothingToLearn):
        next(feed)
