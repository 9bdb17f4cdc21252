"""Which tools, and which of their arguments, are offered to a model."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from lamlam.agent_tools.tool import BY_NAME, TOOLS, Tool
from lamlam.errors import BadFact, BadToolCall, NotSupported, UnknownOption
from lamlam.memory_backends.model.capabilities import Capability
from lamlam.memory_backends.model.facts import Namespace, check_namespace
from lamlam.memory_backends.model.namespaces import parsed, written
from lamlam.memory_backends.resolution.layers import Layers, read_layers

Choosable = Iterable[Namespace] | Literal["below"]


@dataclass(frozen=True, slots=True)
class Places:
    """The namespaces of tools, and those that a model may choose in their stead."""

    own: Namespace
    shared: Namespace | None
    others: tuple[Namespace, ...] = ()
    is_below_allowed: bool = False

    @classmethod
    def of(cls, namespace: Namespace, shared: Namespace | None, choosable: Choosable) -> Places:
        """Return the places.

        Raises:
            BadFact: a namespace is not valid.
            OverlayCycle: the two are one.
            UnknownOption: a text that is not "below".
        """
        own, shared = read_layers(namespace, shared)
        if isinstance(choosable, str):
            if choosable != "below":
                raise UnknownOption(
                    f"may_choose must be a list of namespaces or 'below', got {choosable!r}",
                    hint='such as may_choose=[("teams", "3")]',
                )
            return cls(own, shared, is_below_allowed=True)
        others = tuple(dict.fromkeys(map(check_namespace, choosable)))
        return cls(own, shared, tuple(one for one in others if one != own))

    @property
    def may_choose(self) -> bool:
        """Whether a model may choose at all."""
        return bool(self.others) or self.is_below_allowed

    @property
    def choices(self) -> tuple[str, ...]:
        """Every namespace that a model may choose, as texts; empty where it has them not all."""
        return () if self.is_below_allowed else (written(self.own), *map(written, self.others))

    def chosen(self, text: str | None) -> Namespace:
        """Return the namespace of a call.

        Raises:
            BadToolCall: it may not be chosen.
        """
        if text is None:
            return self.own
        try:
            namespace = check_namespace(parsed(text))
        except BadFact as error:
            raise BadToolCall(f"namespace: {error}", hint="such as users/7") from None
        is_below = self.is_below_allowed and namespace[: len(self.own)] == self.own
        if namespace == self.own or namespace in self.others or is_below:
            return namespace
        allowed = f"{written(self.own)}/…" if self.is_below_allowed else ", ".join(self.choices)
        raise BadToolCall(
            f"namespace: {text[:60]!r} may not be chosen, only {allowed or 'the usual one'}",
            hint="leave it out",
        )

    def layers(self, namespace: Namespace) -> Layers:
        """Return what answers a question to a namespace: itself, and what is read behind it."""
        if namespace == self.shared:
            return Layers(namespace)
        return Layers(namespace, self.shared)


def offered_tools(
    names: Iterable[str] | None,
    capabilities: Collection[Capability],
    places: Places,
    *,
    has_actor: bool,
) -> tuple[dict[str, Tool], tuple[Tool, ...]]:
    """Return all tools by name as this memory has them, and those that are offered.

    Args:
        has_actor: who makes the changes is settled, and not the model's to say.

    Raises:
        UnknownOption: a name that no tool has.
        NotSupported: a namespace is wanted, and this memory has none.
    """
    hidden = set()
    if Capability.NAMESPACES not in capabilities and (places.own or places.may_choose):
        raise NotSupported(
            "this store has no namespaces, so no tool can use one",
            hint="store.capabilities says what it can do",
        )
    if not places.may_choose:
        hidden.add("namespace")
    if has_actor:
        hidden.add("actor")
    if Capability.IDEMPOTENCY not in capabilities:
        hidden.add("idempotency_key")
    if Capability.VALID_TIME not in capabilities:
        hidden |= {"valid_from", "valid_to"}
    choices = () if "namespace" in hidden else places.choices
    tools = {
        tool.name: replace(tool, hidden=frozenset(hidden), namespaces=choices) for tool in TOOLS
    }
    if names is None:
        can_write = Capability.WRITE in capabilities
        names = [tool.name for tool in TOOLS if can_write or tool.reads_only]
    for name in (given := list(dict.fromkeys(names))):
        if name not in BY_NAME:
            raise UnknownOption(f"unknown tool {name!r}", hint=f"one of: {', '.join(BY_NAME)}")
    return tools, tuple(tools[name] for name in given)
