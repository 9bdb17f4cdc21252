"""`Layers`: which namespaces a text reads, the user's own first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lamlam.errors import OverlayCycle
from lamlam.memory_backends.model.facts import Namespace, check_namespace
from lamlam.memory_backends.model.namespaces import written


class Layers(NamedTuple):
    """A namespace, and the shared one that is read where the first has nothing."""

    own: Namespace = ()
    shared: Namespace | None = None
    """``None``: there is no other."""

    @property
    def is_usual(self) -> bool:
        """Only the unnamed namespace is read, as every store does by itself."""
        return self.own == () and self.shared is None

    def all(self) -> tuple[Namespace, ...]:
        """Return the namespaces, the user's own first."""
        return (self.own,) if self.shared is None else (self.own, self.shared)


def read_layers(
    namespace: Iterable[str] = (), shared_namespace: Iterable[str] | None = ()
) -> Layers:
    """Return the layers that two namespaces make.

    Args:
        namespace: the user's own.
        shared_namespace: read where the first has nothing; ``None``: nothing else is read. The
            default, beside the unnamed namespace itself, adds nothing.

    Raises:
        BadFact: one of them is not a namespace.
        OverlayCycle: both are the same.
    """
    own = check_namespace(namespace)
    shared = None if shared_namespace is None else check_namespace(shared_namespace)
    if own == shared:
        if own:
            raise OverlayCycle.of(written(own))
        shared = None
    return Layers(own, shared)
