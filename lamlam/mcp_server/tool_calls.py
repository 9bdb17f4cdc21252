"""Calls of memory tools: what each client is offered, and what a call does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from lamlam.access_keys import Access
from lamlam.agent_tools.call_reading import read_arguments
from lamlam.agent_tools.memory_tools import MemoryTools
from lamlam.agent_tools.tool import BY_NAME, TOOLS, Tool
from lamlam.errors import LamLamError, ReadOnly
from lamlam.mcp_server.asking_back import NotAsked, agreement
from lamlam.mcp_server.context import Context
from lamlam.mcp_server.problems import failed_result, unexpected
from lamlam.memory_backends.model.capabilities import Capability
from lamlam.memory_backends.protocol import FactStore

_MOST_OFFERS = 256
"""So many different accesses are remembered with their tools; more are made again."""


def right_for(tool: Tool) -> str:
    """Return the right that a tool needs.

    >>> [right_for(tool) for tool in TOOLS]
    ['read', 'read', 'read', 'write', 'write', 'write', 'forget']
    """
    if tool.reads_only:
        return "read"
    return "forget" if tool.destroys else "write"


class Offer:
    """The tools of one access, and how the protocol lists them."""

    def __init__(self, store: FactStore, access: Access, me: str | None) -> None:
        can_write = Capability.WRITE in store.capabilities
        names = [
            tool.name
            for tool in TOOLS
            if right_for(tool) in access.rights and (can_write or tool.reads_only)
        ]
        can_choose = access.below and Capability.NAMESPACES in store.capabilities
        self.tools = MemoryTools(
            store,
            names=names,
            namespace=access.namespace,
            shared_namespace=access.shared_namespace,
            may_choose="below" if can_choose else (),
            actor=access.name,
            me=me,
        )
        self.by_name = {tool.name: tool for tool in self.tools.tools}
        self.listed = [
            types.Tool.model_validate(tool.mcp_definition()) for tool in self.tools.tools
        ]


class ToolCalls:
    """Answers ``tools/list`` and ``tools/call``."""

    def __init__(self, store: FactStore, on_change: Callable[[], None], me: str | None) -> None:
        """Begin with no offer made.

        Args:
            on_change: is called after a tool that may have written.
            me: whom "I" means in a text of ``facts_about``.

        Raises:
            LamLamError: the store cannot be offered as tools.
        """
        self._store = store
        self._on_change = on_change
        self._me = me
        self._offers: dict[Access, Offer] = {}
        self._schemas: dict[str, dict[str, Any]] = {tool.name: tool.schema() for tool in TOOLS}

    def offer(self, access: Access) -> Offer:
        """Return what a client may use."""
        found = self._offers.get(access)
        if found is None:
            if len(self._offers) >= _MOST_OFFERS:
                del self._offers[next(iter(self._offers))]
            found = self._offers[access] = Offer(self._store, access, self._me)
        return found

    def input_schema(self, name: str) -> Mapping[str, Any] | None:
        """Return the schema of a tool's arguments, for checks of headers that repeat them."""
        return self._schemas.get(name)

    async def call(
        self, ctx: Context, params: types.CallToolRequestParams, access: Access
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Do what a call asks for.

        Raises:
            MCPError: the tool does not exist, or the server itself failed.
        """
        offer, name = self.offer(access), params.name
        tool = offer.by_name.get(name)
        arguments = {} if params.arguments is None else params.arguments
        try:
            if tool is None:
                self._refuse(name, access, offer)
            elif tool.destroys:
                given = read_arguments(tool, arguments)
                agreed = await agreement(ctx, params, given, self._store, access)
                if isinstance(agreed, NotAsked):
                    return agreed.question
            result = await offer.tools.call(name, arguments)
        except LamLamError as error:
            return failed_result(error)
        except MCPError:
            raise
        except Exception as error:
            raise unexpected(f"the tool {name}", error) from None
        finally:
            if tool is not None and not tool.reads_only:
                self._on_change()
        if "read" not in access.rights and "ended" in result:  # what memory held is not told
            result = {key: one for key, one in result.items() if key != "left_out"} | {"ended": []}
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=json.dumps(result, ensure_ascii=False))],
            structured_content=result,
        )

    def _refuse(self, name: str, access: Access, offer: Offer) -> None:
        """Raise what fits a tool that this client is not offered.

        Raises:
            MCPError: there is no such tool.
            RightMissing: the client lacks the right to it.
            ReadOnly: the store was opened for reading.
        """
        known = BY_NAME.get(name)
        if known is None:
            offered = ", ".join(offer.by_name)
            said = ascii(name[:60])
            raise MCPError(types.INVALID_PARAMS, f"unknown tool {said} (one of: {offered})")
        access.need(right_for(known))
        raise ReadOnly(f"{name}: the memory was opened for reading", hint="it cannot be changed")
