"""The memory of a chat: what the model reads of it, and where what the user writes goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from lamlam.cli.facts_stores import any_store, own_store

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.model.lookups import LookupResult
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.runtime.memory import DefaultMemory

_MEMORY = "memory:"


class ChatMemory:
    """A store by its URL, opened anew for each command.

    A store that is in this process only is opened once, for the model and for the commands.
    """

    def __init__(
        self, url: str | None, namespace: Namespace = (), shared: Namespace | None = ()
    ) -> None:
        """Store what to open.

        Args:
            url: ``None``: the model reads the bundled facts, and the user's own file is written.
            namespace: whose facts are read first, and written.
            shared: read behind it.
        """
        self.url = url
        self.namespace = namespace
        self.spaces = (namespace,) if shared in (None, namespace) else (namespace, shared)
        """Namespaces that are read, in their order."""
        self._held: FactStore | None = None

    def open(self, stack: ExitStack) -> None:
        """Open what is in this process only; the stack closes it.

        Raises:
            FactStoreError: it cannot be used; see its subclasses.
        """
        if self.url is None or not self.url.startswith(_MEMORY):
            return
        import anyio

        from lamlam.memory_backends.open import connect

        store = connect(self.url, create=False)
        stack.callback(anyio.run, store.aclose)
        self._held = store

    def for_engine(self) -> str | FactStore | DefaultMemory:
        """Return the memory of the engine."""
        from lamlam.runtime.memory import DefaultMemory

        if self._held is not None:
            return self._held
        return DefaultMemory.OWN if self.url is None else self.url

    def said(self) -> str:
        """Return in words what is read."""
        from lamlam.memory_backends.open import BUNDLED, without_secrets

        if self.url in (None, BUNDLED):
            name = "the bundled facts"
        else:
            name = without_secrets(str(self.url))
        of = f" of {'/'.join(self.namespace)}" if self.namespace else ""
        return f"{name}{of}"

    def kept_where(self, location: str) -> str:
        """Return a remark on where a change is, if that is not what the chat reads at once."""
        if self.url is None:
            return (
                f"in your own facts, {location}; this chat reads the bundled ones:"
                " /memory own reads yours"
            )
        if self.url in ("memory:", "memory://"):
            return "until this chat ends"
        return "written to the file when this chat ends" if self._held is not None else ""

    @contextmanager
    def reading(self) -> Iterator[SyncFactStore]:
        """Open what the model reads."""
        from lamlam.memory_backends.open import BUNDLED
        from lamlam.memory_backends.sync import SyncFactStore

        with (
            SyncFactStore(self._held)
            if self._held is not None
            else any_store(self.url or BUNDLED) as store
        ):
            yield store

    @contextmanager
    def writing(self, *, create: bool = False) -> Iterator[SyncFactStore]:
        """Open what commands change; the user's own file may be created."""
        from lamlam.memory_backends.sync import SyncFactStore

        with (
            SyncFactStore(self._held)
            if self._held is not None
            else own_store(self.url, create=create and self.url is None) as store
        ):
            yield store

    def looked_up(
        self, store: SyncFactStore, entity: str, relation: str
    ) -> tuple[LookupResult, Namespace]:
        """Return the answer of the first namespace that has one, else of the first that says why."""
        found = [(store.lookup(entity, relation, namespace=one), one) for one in self.spaces]
        has_values = [one for one in found if one[0].values]
        knows = [one for one in found if one[0].match.entity.kind != "none"]
        is_near = [one for one in found if one[0].candidates]
        return (has_values or knows or is_near or found)[0]
