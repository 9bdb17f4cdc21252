"""Asking the user before facts are erased, where the client can: elicitation of both eras.

A client of 2025-11-25 is asked by a request of the server in the middle of the call. One of
2026-07-28 gets the question as the answer of the call, and calls again with what the user said;
what was asked is sealed into the state that it sends along (`RequestStateBoundary`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import mcp_types as types
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from lamlam.access_keys import Access
from lamlam.agent_tools.arguments import Forget, ToolArguments
from lamlam.cut_text import cut_text
from lamlam.errors import PolicyRefused
from lamlam.mcp_server.context import Context
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.namespaces import parsed
from lamlam.memory_backends.protocol import FactStore

KEY = "agreement"
_STATE = "erase"
_MOST_SHOWN = 5
_MOST_COUNTED = 1000
_LONGEST = 80
_SCHEMA: types.ElicitRequestedSchema = {
    "type": "object",
    "properties": {
        "confirm": {
            "type": "boolean",
            "title": "Erase for good",
            "description": "Erased facts cannot be restored.",
            "default": True,
        }
    },
}


@dataclass(frozen=True, slots=True)
class NotAsked:
    """The user must be asked first: the client calls again with the answer."""

    question: types.InputRequiredResult


async def agreement(
    ctx: Context,
    params: types.CallToolRequestParams,
    given: ToolArguments,
    store: FactStore,
    access: Access,
) -> NotAsked | None:
    """Return ``None`` once the user agreed, or where the client cannot ask one.

    Args:
        given: what is to be erased, already checked.

    Raises:
        PolicyRefused: the user did not agree.
        NamespaceRefused, BadFact: the client may not ask about that namespace.
    """
    assert isinstance(given, Forget)
    capabilities = ctx.session.client_capabilities
    elicitation = None if capabilities is None else capabilities.elicitation
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return None
    if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
        answer = (params.input_responses or {}).get(KEY) if params.request_state == _STATE else None
        if answer is None:
            asked = types.ElicitRequestFormParams(
                message=await _question(given, store, access), requested_schema=_SCHEMA
            )
            return NotAsked(
                types.InputRequiredResult(
                    input_requests={KEY: types.ElicitRequest(params=asked)}, request_state=_STATE
                )
            )
    elif ctx.session.can_send_request:
        answer = await ctx.session.elicit_form(
            await _question(given, store, access), _SCHEMA, related_request_id=ctx.request_id
        )
    else:
        return None
    if not _is_yes(answer):
        raise PolicyRefused(
            "forget_fact: the user did not agree, and nothing was erased", policy="elicitation"
        )
    return None


def _is_yes(answer: object) -> bool:
    """Return whether the user accepted, and did not untick what was asked."""
    if not isinstance(answer, types.ElicitResult) or answer.action != "accept":
        return False
    return (answer.content or {}).get("confirm", True) is True


async def _question(given: Forget, store: FactStore, access: Access) -> str:
    """Return what the user reads: what would go, by name and number.

    Raises:
        NamespaceRefused: the client does not reach the namespace, so it learns nothing of it.
        BadFact: it is not a namespace.
    """
    namespace = access.place(None if given.namespace is None else parsed(given.namespace))
    held: list[Fact] = []
    facts = store.scan(given.entity, given.relation, namespace=namespace, **with_expired(store))
    n_facts = 0
    async for fact in facts:
        if given.value in (None, fact.surface, fact.value):
            n_facts += 1
            if len(held) < _MOST_SHOWN and "read" in access.rights:
                held.append(fact)
            if n_facts >= _MOST_COUNTED:
                break
    what = _shown(given.entity)
    if given.relation is not None:
        what = f"{_shown(given.relation)} of {what}"
    if given.value is not None:
        what = f"the value {_shown(given.value)} of {what}"
    more = "or more " if n_facts >= _MOST_COUNTED else ""
    count = f"{n_facts:,} {more}fact{'' if n_facts == 1 else 's'}"
    lines = [f"Erase {what} from memory for good, the history included? That is {count}."]
    lines += [f"- {_shown(one.relation)}: {_shown(one.surface)}" for one in held]
    if n_facts > len(held) > 0:
        lines.append(f"- and {n_facts - len(held):,} more")
    return "\n".join(lines)


def _shown(text: str) -> str:
    """Return a text of memory in quotation marks, short and without what would look like ours."""
    return json.dumps(cut_text(text, _LONGEST), ensure_ascii=not text.isprintable())
