"""Complete the `erase` of backends that were written before it took a value or mentions.

Such a backend erases an entity or a relation of it. Where it keeps no history, a value is gone
when it is retracted, so the rest follows from `apply`; one with a history has to write it itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from functools import wraps
from typing import Any

from lamlam.errors import NotSupported
from lamlam.memory_backends.commits.entity_edit import is_value, stored_form
from lamlam.memory_backends.commits.erasure_reach import is_one_of
from lamlam.memory_backends.commits.erasure_request import ErasureRequest
from lamlam.memory_backends.model.capabilities import Capability
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.facts import Fact, check_namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.operations import Assert, Commit, ErasureReceipt, Op, Retract
from lamlam.memory_backends.model.values import EntityRef, Value

Store = Any
"""A store of any class: it has the methods of `FactStore`, or of `LocalStore`."""
_NEW = ("value", "mentions", "placeholder")
_KEPT = "what the backend keeps of facts that ended: it has no erasure of single values"


def complete_erase(store_class: type) -> None:
    """Let the `erase` and `erase_nowait` that a class defines take every argument of `FactStore`."""
    for name, complete in (("erase", _completed), ("erase_nowait", _completed_nowait)):
        method = vars(store_class).get(name)
        if inspect.isfunction(method) and not _takes_all(method):
            setattr(store_class, name, complete(method))


def _takes_all(method: Callable[..., Any]) -> bool:
    parameters = inspect.signature(method).parameters
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return True
    return all(name in parameters for name in _NEW)


def _completed(
    method: Callable[..., Awaitable[ErasureReceipt]],
) -> Callable[..., Awaitable[ErasureReceipt]]:
    @wraps(method)
    async def erase(
        self: Store,
        entity: str,
        relation: str | None = None,
        value: Value | None = None,
        **options: Any,
    ) -> ErasureReceipt:
        steps = _Steps(self, entity, relation, value, options)
        if steps.request is None:
            return await method(self, entity, relation, **options)
        facts = [fact async for fact in self.scan(**steps.scanned, **with_expired(self))]
        commit = await self.apply(steps.operations(facts))
        if relation is not None:
            return steps.receipt(commit)
        return steps.joined(commit, await method(self, entity, None, **steps.plain))

    return erase


def _completed_nowait(method: Callable[..., ErasureReceipt]) -> Callable[..., ErasureReceipt]:
    @wraps(method)
    def erase_nowait(
        self: Store,
        entity: str,
        relation: str | None = None,
        value: Value | None = None,
        **options: Any,
    ) -> ErasureReceipt:
        steps = _Steps(self, entity, relation, value, options)
        if steps.request is None:
            return method(self, entity, relation, **options)
        commit = self.apply_nowait(
            steps.operations(self.scan_nowait(**steps.scanned, **with_expired(self)))
        )
        if relation is not None:
            return steps.receipt(commit)
        return steps.joined(commit, method(self, entity, None, **steps.plain))

    return erase_nowait


class _Steps:
    """How a store without history erases a value, or an entity with the facts that name it."""

    request: ErasureRequest | None = None
    """``None``: the backend's own method does it."""
    n_ending = 0
    """Facts that the operations retract."""

    def __init__(
        self,
        store: Store,
        entity: str,
        relation: str | None,
        value: Value | None,
        options: dict[str, Any],
    ) -> None:
        mentions = options.pop("mentions", "leave")
        placeholder = options.pop("placeholder", None)
        self.plain = options
        if value is None and mentions == "leave" and placeholder is None:
            return
        request = ErasureRequest(
            entity, relation, value=value, mentions=mentions, placeholder=placeholder, **options
        )
        if request.value is None and request.mentions == "leave":
            return
        if Capability.HISTORY in store.capabilities:
            raise NotSupported(
                f"{type(store).__name__} has a history, and erases no single values",
                hint="erase the relation or the entity; its author has to complete its erase",
            )
        self.request = request

    @property
    def scanned(self) -> dict[str, Any]:
        """Which facts have to be looked at."""
        request = self._asked()
        space = check_namespace(request.namespace)
        if request.relation is None:
            return {"namespace": space}
        return {"entity": request.entity, "relation": request.relation, "namespace": space}

    def operations(self, facts: Iterable[Fact]) -> list[Op]:
        """Return what is to be committed."""
        request = self._asked()
        names = {canonical_key(request.entity or "")}
        request.check_placeholder(names)
        return [op for fact in facts for op in self._of(fact, names)]

    def _of(self, fact: Fact, names: set[str]) -> Iterator[Op]:
        request = self._asked()
        stored = stored_form(fact, None)
        if request.value is not None:
            if not is_value(stored, request.value):
                return
        elif canonical_key(fact.entity) in names or not is_one_of(stored, names):
            return
        self.n_ending += 1
        yield Retract(fact.entity, fact.relation, fact.value, fact.namespace, True, fact.valid_from)
        if request.placeholder is not None:
            is_entity = isinstance(fact.value, EntityRef)
            other = EntityRef(request.placeholder) if is_entity else request.placeholder
            again = {"value": other, "surface": request.placeholder, "id": None, "revision": None}
            yield Assert(fact.model_copy(update=again))

    def receipt(self, commit: Commit) -> ErasureReceipt:
        """Return the receipt for values that a commit retracted."""
        pending = (_KEPT,) if commit.facts else ()
        return self._asked().receipt(
            self.n_ending, commit.revision, covered=("facts",), pending=pending
        )

    def joined(self, commit: Commit, receipt: ErasureReceipt) -> ErasureReceipt:
        """Return the receipt for an entity, with the facts of others that a commit retracted."""
        n_others = self.n_ending if commit.facts else 0
        if not n_others:
            return receipt
        return replace(
            receipt,
            facts=receipt.facts + n_others,
            as_value=n_others,
            pending=(*receipt.pending, _KEPT),
            verified=False,
        )

    def _asked(self) -> ErasureRequest:
        assert self.request is not None  # else there are no steps
        return self.request
