"""`Context`: what handlers know of a request, as the SDK gives it."""

from __future__ import annotations

from typing import Any, TypeAlias

from mcp.server import ServerRequestContext

Context: TypeAlias = ServerRequestContext[Any, Any]
