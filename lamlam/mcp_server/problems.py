"""Errors of lamlam as the protocol says them: each one sentence, with the name of its class."""

from __future__ import annotations

import logging

import mcp_types as types
from mcp.shared.exceptions import MCPError

from lamlam.errors import (
    BadKeyFile,
    KeyRefused,
    LamLamError,
    NamespaceRefused,
    RightMissing,
    ServerStopping,
)

ERROR_META = "lamlam/error"
"""Key of `_meta` and of the data of errors: the name of the class."""
CODES: dict[type[LamLamError], int] = {
    KeyRefused: -32051,
    RightMissing: -32052,
    NamespaceRefused: -32053,
    ServerStopping: -32054,
    BadKeyFile: -32055,
}
"""What stops a request before a tool or a resource is reached, in the range left to servers."""
_log = logging.getLogger(__name__)


def sentence(error: LamLamError) -> str:
    """Return message and hint on one line, in characters that any wire can carry."""
    text = " ".join(str(error).split())
    if error.hint:
        text = f"{text} ({' '.join(error.hint.split())})"
    return text.encode("utf-8", "backslashreplace").decode()


def wire_error(error: LamLamError) -> MCPError:
    """Return the error of a request that was refused."""
    code = CODES.get(type(error), types.INVALID_PARAMS)
    return MCPError(code, sentence(error), {"error": type(error).__name__})


def failed_result(error: LamLamError) -> types.CallToolResult:
    """Return the answer of a tool that failed, which the model reads and may act on."""
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=sentence(error))],
        is_error=True,
        _meta={ERROR_META: type(error).__name__},
    )


def unexpected(what: str, error: Exception) -> MCPError:
    """Log an error that nobody foresaw, and return one that tells nothing of the inside."""
    _log.error("%s failed", what, exc_info=error)
    return MCPError(types.INTERNAL_ERROR, f"{what} failed inside the server; its log says how")
