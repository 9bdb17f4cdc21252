"""Work that forks share gives what one process gives."""

from __future__ import annotations

import os
import random
import signal
import sys

import pytest

from lamlam.trainer import forked_slices
from lamlam.trainer.augmentation import titles_by_kind
from lamlam.trainer.endings import mark_cut
from lamlam.trainer.forked_slices import in_slices
from lamlam.trainer.near_copies import find_near_copies
from lamlam.trainer.synthetic.documents import invent
from lamlam.trainer.synthetic.worded.known import facts_of_documents

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks here")


def share(monkeypatch: pytest.MonkeyPatch, least: int) -> None:
    monkeypatch.setattr(forked_slices, "LEAST", least)
    monkeypatch.setattr(forked_slices, "usable_cpus", lambda: 3)


def test_slices_come_in_order_and_cover_all(monkeypatch: pytest.MonkeyPatch) -> None:
    share(monkeypatch, 10)
    here = os.getpid()
    found = in_slices(lambda start, stop: (start, stop, os.getpid()), 31)
    assert [(start, stop) for start, stop, _ in found] == [(0, 10), (10, 20), (20, 31)]
    assert here not in {process for _, _, process in found}
    assert in_slices(lambda start, stop: (start, stop, os.getpid()), 19) == [(0, 19, here)]


def test_names_and_copies_are_those_that_one_process_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = random.Random(0)
    documents = [invent(rng) for _ in range(120)]
    texts = [document.text for document in documents]
    originals = [" ".join(text.split()[:30]) for text in texts[::5]]
    names, copies = titles_by_kind(documents), find_near_copies(texts, originals)
    assert any(copies) and not all(copies)
    marked, entities = mark_cut(documents), facts_of_documents(documents)
    share(monkeypatch, 40)
    assert mark_cut(documents) == marked
    assert facts_of_documents(documents) == entities
    assert titles_by_kind(documents) == names
    assert find_near_copies(texts, originals) == copies


def test_where_a_fork_is_killed_one_process_does_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    share(monkeypatch, 1)
    here = os.getpid()

    def work(start: int, stop: int) -> tuple[int, int]:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return start, stop

    assert in_slices(work, 6) == [(0, 6)]
