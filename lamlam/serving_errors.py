"""The errors of servers; `lamlam.errors` draws them in the tree of all."""

from __future__ import annotations

from lamlam.error_base import LamLamError


class ServingError(LamLamError):
    """A server refuses a request, or to start."""

    status = 400
    """Of HTTP, where a request is refused so."""


class BadKeyFile(ServingError):
    """The file of access keys cannot be used."""

    status = 500


class KeyRefused(ServingError):
    """The access key is missing, unknown, revoked or expired."""

    status = 401


class RightMissing(ServingError):
    """The access key does not have the right to do this."""

    status = 403


class NamespaceRefused(ServingError):
    """The access key does not reach this namespace."""

    status = 403


class HostRefused(ServingError):
    """The host of a request is not a name of the server, as after DNS rebinding."""

    status = 421


class OriginRefused(ServingError):
    """A web page of another origin asks."""

    status = 403


class BodyTooLarge(ServingError):
    """A request has more bytes than are read."""

    status = 413


class RequestTooSlow(ServingError):
    """The body of a request does not arrive in time."""

    status = 408


class OpenDoor(ServingError):
    """Others could reach the server without an access key."""


class ServerStopping(ServingError):
    """The server is stopping, and takes no new requests."""

    status = 503
    retryable = True
