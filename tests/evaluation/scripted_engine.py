"""An engine that looks up what a prompt names, for tests in which the model is not the point."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from lamlam.memory_backends.model.lookup_status import LookupStatus
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.spans import LookupRecord


class AskingEngine:
    """Asks memory for the pairs of (entity, relation) that a prompt holds; else says what it knows.

    ``known`` stands for the weights: pieces of prompts, and what is written after them.
    """

    verbalise = "copy"
    known: dict[str, str] = {}
    entities: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    opened: list[Any] = []
    asked: list[str] = []
    options: dict[str, Any] = {}
    """Of the last generation."""

    def __init__(self, model: str, memory: Any, **options: Any) -> None:
        AskingEngine.opened.append(memory)
        self.memory = memory
        self._store: SyncFactStore | None = None

    def __enter__(self) -> Self:
        if self.memory is not None:
            self._store = SyncFactStore(self.memory, create=False, read_only=True).__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._store is not None:
            self._store.close()

    def generate(
        self,
        prompt: str,
        *,
        max_tokens: int,
        policy: str | None = None,
        namespace: tuple[str, ...] = (),
        as_of: int | None = None,
    ) -> Completion:
        """Return the prompt with the value of its lookup, or with what the weights say."""
        AskingEngine.asked.append(prompt)
        AskingEngine.options = {"max_tokens": max_tokens, "policy": policy}
        lookups: list[LookupRecord] = []
        for entity in self.entities if self._store is not None else ():
            for relation in self.relations:
                if entity in prompt and relation.lower() in prompt.lower():
                    assert self._store is not None
                    value = self._store.lookup(
                        entity, relation, namespace=namespace, as_of=as_of
                    ).value
                    status = LookupStatus.MISS if value is None else LookupStatus.HIT
                    lookups.append(LookupRecord(entity, relation, status, value))
        said = next((said for piece, said in self.known.items() if piece in prompt), "nobody knows")
        values = [lookup.value for lookup in lookups if lookup.value is not None]
        text = f"{prompt} {values[0] if values else said}. And more"
        return Completion(text, (), tuple(lookups), "length", 1, 1, 1)
