"""Settings of the server, and which of them go together."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from lamlam.errors import UsageError

LOCALHOST = "localhost"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the server listens, and what it takes of clients."""

    host: str = "127.0.0.1"
    port: int = 8000
    """0: any that is free."""
    has_keys: bool = False
    """Requests need an access key."""
    max_waiting: int = 64
    """Generations that wait for their turn; more are answered with 429."""
    max_body_bytes: int = 2 << 20
    head_timeout_s: float = 30.0
    """Longest time in which the headers of a request arrive."""
    body_timeout_s: float = 30.0
    """Longest time in which the body of a request arrives."""
    timeout_s: float = 300.0
    """Longest time of one generation, the wait for its turn included."""
    grace_s: float = 30.0
    """How long requests under way may go on while the server stops."""
    allowed_hosts: tuple[str, ...] = ()
    """Names by which clients call the server, besides addresses and ``localhost``."""
    allowed_origins: tuple[str, ...] = ()
    """Pages of other origins whose scripts may read answers, as ``https://app.example``."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense, and an open door.

        Raises:
            UsageError: a value makes no sense, or others could reach the server without a key.
        """
        for name, least in (("port", 0), ("max_waiting", 0), ("max_body_bytes", 1)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise UsageError(f"{name} must be a whole number from {least} on, got {value!r}")
        if self.port > 65_535:
            raise UsageError(f"port must be at most 65535, got {self.port}")
        for name in ("head_timeout_s", "body_timeout_s", "timeout_s", "grace_s"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name} must be 0 or more seconds, got {getattr(self, name)!r}")
        for origin in self.allowed_origins:
            if "://" not in origin or origin.count("/") != 2:
                raise UsageError(
                    f"{origin[:80]!r} is not an origin", hint="write it as https://app.example"
                )
        if not self.has_keys and not self.is_local:
            raise UsageError(
                f"{self.host} can be reached from other machines, and no access key is asked for",
                hint="lamlam keys new NAME makes one, or listen on 127.0.0.1",
            )

    @property
    def is_local(self) -> bool:
        """Only this machine can reach the server."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, whatever a name server says."""
    if host.lower() == LOCALHOST:
        return True
    address = as_address(host)
    return address is not None and address.is_loopback


def as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a host is, or ``None`` for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
