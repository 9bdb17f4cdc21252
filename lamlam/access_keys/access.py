"""What one client of a server may do: a namespace, what is read behind it, and rights."""

from __future__ import annotations

from dataclasses import dataclass

from lamlam.errors import NamespaceRefused, RightMissing
from lamlam.memory_backends.model.facts import Namespace, check_namespace
from lamlam.memory_backends.model.namespaces import written

RIGHTS = ("read", "write", "forget", "watch")
"""Read facts and generate texts; add, correct and end facts; erase facts for good; read the figures
of the whole server, which count what all clients do and have."""


@dataclass(frozen=True, slots=True)
class Access:
    """What the holder of a key may do; without keys, what a local client may."""

    namespace: Namespace = ()
    shared_namespace: Namespace | None = ()
    """Read where the first has nothing; ``None``: none."""
    rights: frozenset[str] = frozenset(RIGHTS)
    below: bool = False
    """Also namespaces that begin with the first."""
    name: str | None = None
    """Of the key, for the log of changes; without keys ``None``."""
    key_id: str | None = None

    def need(self, *rights: str) -> None:
        """Raise unless the client has these rights.

        Raises:
            RightMissing: naming the one that is lacking.
        """
        for right in rights:
            if right not in self.rights:
                whose = "this server" if self.name is None else f"the access key {self.name!r}"
                raise RightMissing(
                    f"{whose} does not have the right to {right}",
                    hint=f"lamlam keys new NAME --rights {','.join(self._rights_with(right))}",
                )

    def place(self, namespace: Namespace | None) -> Namespace:
        """Return the namespace that a request works in.

        Args:
            namespace: that the request names, or ``None`` for the client's own.

        Raises:
            NamespaceRefused: the client does not reach it.
            BadFact: it is not a namespace.
        """
        if namespace is None:
            return self.namespace
        namespace = check_namespace(namespace)
        own = self.namespace
        if namespace == own or (self.below and namespace[: len(own)] == own):
            return namespace
        whose = "this server" if self.name is None else f"the access key {self.name!r}"
        raise NamespaceRefused(f"{whose} does not reach the namespace {written(namespace)!r}")

    def behind(self, namespace: Namespace) -> Namespace | None:
        """Return what is read behind a namespace that `place` returned."""
        return None if self.shared_namespace == namespace else self.shared_namespace

    def _rights_with(self, right: str) -> list[str]:
        return [one for one in RIGHTS if one in self.rights or one == right]
