"""The contract with Ray Data, by a stand-in; `tests/cluster` has the real one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from lamlam.errors import MissingExtra, UsageError
from lamlam.trainer.annotation import ray_documents
from lamlam.trainer.annotation.aligned_documents import align_documents
from lamlam.trainer.annotation.known_facts import KnownFacts
from lamlam.trainer.annotation.ray_documents import align_documents_on_ray
from lamlam.trainer.documents import Document

DOCUMENTS = [
    Document(f"Acme {n}", f"Acme {n} was founded in {1900 + n % 100} by Ada Quill.", ())
    for n in range(1100)
]
KNOWN = KnownFacts([("Acme 7", "founder", "Ada Quill")])


@dataclass
class StandIn:
    """A Ray that runs each task at once; a task may be run more than once, as after a death."""

    times: int = 1
    windows: list[int] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    is_on: bool = False
    fails: Exception | None = None

    def module(self) -> ModuleType:
        """Return what ``import ray`` shall give."""
        ray: Any = ModuleType("ray")
        data: Any = ModuleType("ray.data")
        ray.data = data
        ray.exceptions = SimpleNamespace(RayError=RuntimeError)
        ray.is_initialized = lambda: self.is_on
        ray.init = self.init
        ray.shutdown = self.shutdown
        ray.cluster_resources = lambda: {"CPU": 2.0}
        ray.put = ray.get = lambda value: value
        execution = SimpleNamespace(preserve_order=False)
        context = SimpleNamespace(enable_progress_bars=True, execution_options=execution)
        data.DataContext = SimpleNamespace(get_current=lambda: context)
        data.TaskPoolStrategy = SimpleNamespace
        data.from_items = self.from_items
        return ray  # type: ignore[no-any-return]

    def init(self, **options: Any) -> None:
        """Connect, or fail as wanted."""
        if self.fails:
            raise self.fails
        self.options, self.is_on = options, True

    def shutdown(self) -> None:
        """Leave."""
        self.is_on = False

    def from_items(self, items: list[Any], override_num_blocks: int) -> SimpleNamespace:
        """Return a dataset of these items."""
        assert override_num_blocks == len(items)
        self.windows.append(len(items))

        def mapped(
            function: Callable[..., Any], fn_args: list[Any], compute: Any
        ) -> SimpleNamespace:
            def rows() -> Iterator[Any]:
                for item in items:
                    yield [function(item, *fn_args) for _ in range(self.times)][-1]

            return SimpleNamespace(iter_rows=rows)

        return SimpleNamespace(map=mapped)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A Ray that is no Ray."""
    found = StandIn()
    module = found.module()
    monkeypatch.setitem(sys.modules, "ray", module)
    monkeypatch.setitem(sys.modules, "ray.data", module.data)
    return found


@pytest.mark.parametrize(("times", "workers"), [(1, 0), (2, 1), (1, 3)])
def test_the_result_is_that_of_one_process(
    times: int, workers: int, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In windows of bounded size, whatever is run again; Ray is left at the end."""
    monkeypatch.setattr(ray_documents, "CHUNKS_OF_CPU", 1)
    stand_in.times = times
    found = align_documents_on_ray(
        DOCUMENTS, KNOWN, address="local", workers=workers, by_rules=True
    )
    assert list(found) == list(align_documents(DOCUMENTS, KNOWN, by_rules=True))
    assert max(stand_in.windows) == (workers or 2) and sum(stand_in.windows) == 6
    assert not stand_in.is_on
    assert stand_in.options["address"] == "local"


def test_documents_are_read_a_window_at_a_time(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not all before the first is done."""
    monkeypatch.setattr(ray_documents, "CHUNKS_OF_CPU", 1)
    n_read = 0

    def read() -> Iterator[Document]:
        nonlocal n_read
        for document in DOCUMENTS:
            n_read += 1
            yield document

    found = align_documents_on_ray(read(), KNOWN, address="auto", workers=1)
    assert next(found)[0] == DOCUMENTS[0]
    assert n_read <= 200


def test_a_ray_that_was_on_stays_on(stand_in: StandIn) -> None:
    """It is of the program that started it."""
    stand_in.is_on = True
    assert len(list(align_documents_on_ray(DOCUMENTS[:3], KNOWN, address="auto"))) == 3
    assert stand_in.is_on and not stand_in.options


def test_no_cluster_and_no_ray(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is one line that says what to do."""
    stand_in.fails = ConnectionError("nobody there\nmore")
    with pytest.raises(UsageError, match=r"no Ray cluster at auto: nobody there\n") as caught:
        next(align_documents_on_ray(DOCUMENTS, KNOWN, address="auto"))
    assert "ray start --head" in (caught.value.hint or "")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match="Ray Data is not installed"):
        next(align_documents_on_ray(DOCUMENTS, KNOWN, address="auto"))


def test_workers_with_another_lamlam_are_refused(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They might find other facts."""
    find = ray_documents._find_in_row

    def find_later(row: dict[str, Any], shared: Any) -> dict[str, Any]:
        monkeypatch.setattr(ray_documents, "__version__", "0.0.2")
        return find(row, shared)

    monkeypatch.setattr(ray_documents, "_find_in_row", find_later)
    with pytest.raises(UsageError, match=r"a worker of the cluster has lamlam 0\.0\.2"):
        next(align_documents_on_ray(DOCUMENTS, KNOWN, address="auto"))
