"""Facts as resources: one for each entity, by a template, and what changed last."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

import mcp_types as types

from lamlam.access_keys import Access
from lamlam.agent_tools.fitting import MAX_RESULT_CHARACTERS, Fitting, found_facts
from lamlam.agent_tools.hostile_text import name_in_call_fault
from lamlam.cut_text import cut_text
from lamlam.errors import BadToolCall, ChangesGone
from lamlam.memory_backends.model.capabilities import Capability
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.protocol import FactStore
from lamlam.memory_backends.read_views.overlay import Overlay
from lamlam.memory_backends.resolution.layers import read_layers

if TYPE_CHECKING:
    from lamlam.memory_backends.model.operations import Change

BEGIN = "lamlam://entity/"
TEMPLATE = "lamlam://entity/{entity}"
CHANGES = "lamlam://changes"
_JSON = "application/json"
_MOST_CHANGES = 50
_MOST_NAMES = 100
_MOST_FACTS = 1000
_LONGEST_VALUE = 200
"""Characters of a value in the list of changes; its entity's resource has more."""


def uri_of(entity: str) -> str:
    """Return the URI of an entity's facts.

    >>> uri_of("Ada Quill")
    'lamlam://entity/Ada%20Quill'
    """
    return BEGIN + quote(entity, safe="")


def entity_of(uri: str) -> str:
    """Return the entity that a URI names.

    Raises:
        BadToolCall: it is another URI, or no name.
    """
    if not uri.startswith(BEGIN):
        raise BadToolCall(
            f"unknown resource {ascii(uri[:80])}", hint=f"there are {CHANGES} and {TEMPLATE}"
        )
    try:
        name = unquote_to_bytes(uri.removeprefix(BEGIN)).decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        raise BadToolCall(f"{ascii(uri[:80])}: the name must be UTF-8, with %XX") from None
    fault = name_in_call_fault(name)
    if fault:
        raise BadToolCall(f"{ascii(uri[:80])}: the name {fault}")
    return name


class MemoryResources:
    """Answers ``resources/…`` and completes names of entities."""

    def __init__(self, store: FactStore) -> None:
        self._store = store
        self._has_changes = Capability.CHANGES in store.capabilities

    def listed(self) -> list[types.Resource]:
        """Return the resources that are not of a template."""
        if not self._has_changes:
            return []
        return [
            types.Resource(
                uri=CHANGES,
                name="changes",
                title="What changed last",
                description="The newest changes of this memory, newest first; may be subscribed.",
                mime_type=_JSON,
            )
        ]

    def templates(self) -> list[types.ResourceTemplate]:
        """Return the templates."""
        return [
            types.ResourceTemplate(
                uri_template=TEMPLATE,
                name="entity",
                title="Facts of an entity",
                description="All facts of one entity, with sources; may be subscribed.",
                mime_type=_JSON,
            )
        ]

    async def read(self, uri: str, access: Access) -> types.ReadResourceResult:
        """Return what a URI stands for.

        Raises:
            BadToolCall: nothing, or memory holds nothing of the entity.
        """
        if uri == CHANGES and self._has_changes:
            content = await self._changes(access)
        else:
            content = await self._entity(entity_of(uri), access)
        text = json.dumps(content, ensure_ascii=False)
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=uri, mime_type=_JSON, text=text)]
        )

    async def names(self, begin: str, access: Access) -> list[str]:
        """Return names of entities that begin so, of the client's own first."""
        layers = read_layers(access.namespace, access.shared_namespace)
        found: dict[str, None] = {}
        for namespace in layers.all():
            found |= dict.fromkeys(
                await self._store.names(begin, namespace=namespace, limit=_MOST_NAMES)
            )
        return list(found)[:_MOST_NAMES]

    async def facts(self, entity: str, access: Access) -> list[Fact]:
        """Return the facts of an entity that the client sees, as many as an answer may have."""
        layers = read_layers(access.namespace, access.shared_namespace)
        reader = self._store if layers.is_usual else Overlay(self._store, *layers)
        space = () if layers.is_usual else None
        facts: list[Fact] = []
        async for fact in reader.scan(entity, namespace=space):
            facts.append(fact)
            if len(facts) >= _MOST_FACTS:
                break
        return facts

    async def _entity(self, entity: str, access: Access) -> dict[str, Any]:
        facts = await self.facts(entity, access)
        if not facts:
            raise BadToolCall(
                f"memory holds nothing of {ascii(entity[:80])}",
                hint="the tool search_facts finds names by a part",
            )
        fitting = Fitting(MAX_RESULT_CHARACTERS, len(facts))
        shown = found_facts(facts, fitting)
        content: dict[str, Any] = {
            "entity": facts[0].entity,
            "facts": [one.as_json() for one in shown],
        }
        left_out = fitting.said("facts", len(shown), len(facts))
        return content if left_out is None else {**content, "left_out": left_out}

    async def _changes(self, access: Access) -> dict[str, Any]:
        """Return the newest changes that the client may see."""
        seen = {access.namespace, access.shared_namespace}
        revision = int((await self._store.info()).revision)
        newest: list[Change] = []
        width = _MOST_CHANGES
        while True:  # most commits change one fact or a few
            since = max(0, revision - width)
            newest = await self._changes_after(since, seen)
            if since == 0 or len(newest) >= _MOST_CHANGES or width > 100 * _MOST_CHANGES:
                break
            width *= 10
        fitting = Fitting(MAX_RESULT_CHARACTERS, _MOST_CHANGES)
        shown: list[dict[str, Any]] = []
        for change in reversed(newest[-_MOST_CHANGES:]):
            shown.append(_shown(change, fitting))
            if fitting.is_full:
                break
        return {"revision": revision, "changes": shown}

    async def _changes_after(self, since: int, seen: Collection[Namespace | None]) -> list[Change]:
        try:
            return [one async for one in self._store.changes(since) if one.namespace in seen]
        except ChangesGone:  # the log was cut: what is older is not known
            return []


def _shown(change: Change, fitting: Fitting) -> dict[str, Any]:
    """Return a change as JSON has it."""
    said: dict[str, Any] = {"revision": change.revision, "kind": str(change.kind)}
    if change.entity is not None:
        said["entity"] = fitting.text(change.entity)
        said["uri"] = uri_of(change.entity)
    if change.fact is not None:
        said["relation"] = fitting.text(change.fact.relation)
        said["value"] = fitting.text(cut_text(change.fact.surface, _LONGEST_VALUE))
    if change.at is not None:
        said["at"] = change.at.isoformat()
    if change.actor is not None:
        said["actor"] = fitting.text(change.actor)
    return said
