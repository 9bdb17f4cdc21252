"""Which hosts a client may call the server by, and which pages may call it at all.

A page of a stranger can make a browser send requests to this machine, under a name of the
stranger's that a name server leads here (DNS rebinding). Such a request has that name as its host,
and mostly an origin of its own.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from lamlam.serving.answers.refusals import Refusal
from lamlam.serving.state.settings import LOCALHOST, ServerSettings, as_address, is_loopback

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]/\s]+)(?::(\d{1,5}))?")


class AllowedOrigins:
    """Checks the headers ``Host`` and ``Origin`` of every request."""

    def __init__(self, settings: ServerSettings) -> None:
        self._is_local = settings.is_local
        self._hosts = {host.lower() for host in (*settings.allowed_hosts, settings.host)}
        self._origins = {origin.lower() for origin in settings.allowed_origins}

    def check(self, host: str | None, origin: str | None) -> None:
        """Raise `Refusal` unless host and origin are allowed."""
        parts = None if host is None else _HOST.fullmatch(host)
        if host is None or parts is None or not self._is_ours(parts[1].lower()):
            raise Refusal(
                421,
                f"the host {(host or '')[:80]!r} is not a name of this server"
                " (--allow-host NAME adds one)",
                "host_refused",
            )
        if origin is not None and not self._may_call(origin.lower(), host.lower()):
            raise Refusal(
                403,
                f"pages of the origin {origin[:80]!r} may not call this server"
                " (--allow-origin ORIGIN adds one)",
                "origin_refused",
            )

    def _is_ours(self, host: str) -> bool:
        if host in self._hosts or is_loopback(host):
            return True
        # Only names can be led elsewhere by a name server.
        return not self._is_local and (host == LOCALHOST or as_address(host) is not None)

    def _may_call(self, origin: str, host: str) -> bool:
        if origin in self._origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:  # brackets that are no address
            return False
        return parts.scheme in ("http", "https") and parts.netloc == host
