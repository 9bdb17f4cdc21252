"""Fill a pydantic model from two namespaces of a store, as a text of the user would read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from lamlam.memory_backends.model.lookups import checked_lookup
from lamlam.memory_backends.model.recall import Recalled, fields_of, fill
from lamlam.memory_backends.resolution.layered_lookups import look_up_in_layers
from lamlam.memory_backends.resolution.layers import read_layers

if TYPE_CHECKING:
    from pydantic import BaseModel

    from lamlam.memory_backends.model.early_moments import Instant
    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.resolution.layered_lookups import LookedUpStore

Model = TypeVar("Model", bound="BaseModel")


async def recall_in_layers(
    store: LookedUpStore,
    model: type[Model],
    entity: str,
    namespace: Namespace,
    shared_namespace: Namespace | None,
    *,
    valid_at: Instant | None,
    as_of: int | None,
) -> Recalled[Model]:
    """Return a model filled from what the user sees; arguments and errors as `FactStore.recall`."""
    fields = fields_of(model)
    layers = read_layers(namespace, shared_namespace)
    queries = [
        checked_lookup(entity, relation, layers.own, valid_at, as_of)
        for relation in fields.values()
    ]
    if layers.shared is None:
        answers = await store.lookup_many(queries)
    else:
        answers = await look_up_in_layers(store, [(query, layers) for query in queries])
    return fill(model, entity, dict(zip(fields, answers, strict=True)))
