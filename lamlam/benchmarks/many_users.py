"""The same texts, from one namespace of a store and from those of many users.

Each user has one fact of every subject, and shares the others: so both layers of a text are read,
and what it says is the same either way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import anyio

from lamlam.benchmarks.worker_process import Task
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.engine import Engine

N_USERS = 200
N_TEXTS = 64
_CONTEXT = 512
_SUBJECTS = (
    "Ada Quill", "Bob Ferris", "Cleo Marsh", "Dan Orme", "Edith Vale", "Finn Hale", "Gwen Stroud",
    "Hugh Penn",
)  # fmt: skip
_FACTS = {
    "birth place": "Lowmere",
    "birth date": "3 May 1871",
    "occupation": "miller",
    "spouse": "Iris Thorne",
    "education": "Highmere College",
    "nationality": "British",
}


class WrittenTexts(NamedTuple):
    """The result of one turn."""

    n_tokens: int
    pauses: tuple[float, ...] = ()


@asynccontextmanager
async def users_of_one_engine(
    model: Path, sequences: int, tokens: int, threads: int
) -> AsyncIterator[dict[str, Task]]:
    """Open one engine, whose store 200 users share; its tasks write 64 texts each."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/facts.db"
        with SyncFactStore(url) as store:
            store.load(facts_of_all())
        async with Engine(
            model, url, threads=threads, context=_CONTEXT, max_sequences=sequences
        ) as engine:
            yield {
                "one_namespace": partial(_written, engine, tokens, is_shared=True),
                "many_namespaces": partial(_written, engine, tokens, is_shared=False),
            }


def facts_of_all() -> list[Fact]:
    """Return what all share, and the own facts of each user, which say the same."""
    shared = [
        Fact(entity=subject, relation=relation, value=value)
        for subject in _SUBJECTS
        for relation, value in _FACTS.items()
    ]
    own = [
        Fact(entity=subject, relation="birth place", value="Lowmere", namespace=user(n))
        for n in range(N_USERS)
        for subject in _SUBJECTS
    ]
    return [*shared, *own]


def user(n: int) -> Namespace:
    """Return the namespace of a user."""
    return "users", str(n)


async def _written(engine: Engine, tokens: int, *, is_shared: bool) -> WrittenTexts:
    n_tokens = 0

    async def write(n: int) -> None:
        nonlocal n_tokens
        done = await engine.generate(
            prompt_of(n), max_tokens=tokens, ignore_eos=True, namespace=() if is_shared else user(n)
        )
        n_tokens += done.n_tokens

    async with anyio.create_task_group() as group:
        for n in range(N_TEXTS):
            group.start_soon(write, n)
    return WrittenTexts(n_tokens)


def prompt_of(n: int) -> str:
    """Return what a text begins with."""
    relation = tuple(_FACTS)[n // len(_SUBJECTS) % 2]
    return f"The {relation} of {_SUBJECTS[n % len(_SUBJECTS)]} is"
