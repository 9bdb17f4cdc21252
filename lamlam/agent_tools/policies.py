"""What memory tools may change: hooks that are asked before anything is written, and common ones.

A hook gets a `MemoryAction`, and returns true, or false or a text that says why not. It may be
async. Any other answer, or an exception, is `PolicyFailed`, and nothing is written: a hook that is
broken allows nothing.

>>> deny_relations("birth place")(MemoryAction("forget", "Ada Quill", "place of birth"))
"the relation 'place of birth' may not be changed"
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from inspect import isawaitable
from typing import Literal, TypeAlias

from lamlam.errors import PolicyFailed, PolicyRefused, UsageError
from lamlam.memory_backends.model.facts import Fact, Namespace, check_namespace
from lamlam.memory_backends.model.keys import relation_key
from lamlam.memory_backends.model.synonyms import may_answer, same_relation

ActionKind = Literal["remember", "correct", "forget"]
Verdict: TypeAlias = bool | str
"""True: it may be done. False, or the reason: it may not."""
Policy: TypeAlias = Callable[["MemoryAction"], Verdict | Awaitable[Verdict]]


@dataclass(frozen=True, slots=True)
class MemoryAction:
    """What a tool is about to do."""

    kind: ActionKind
    entity: str
    relation: str | None
    """``None``: every relation of the entity, of ``forget`` alone."""
    fact: Fact | None = None
    """The new fact; ``None`` for ``forget``."""
    held: tuple[Fact, ...] = ()
    """Facts that hold now and that it would replace or erase."""
    namespace: Namespace = ()
    actor: str | None = None
    turned: tuple[str, ...] = ()
    """Relations that these facts answer too, turned around, by the store's rules of inverses: a
    "child" of one entity is a "parent" of the other."""
    past: tuple[Fact, ...] = ()
    """Facts that have ended and that it would erase: the history of ``forget``."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources of the new fact."""
        return self.fact.sources if self.fact is not None else ()

    @property
    def relations(self) -> tuple[str, ...]:
        """The relation, or those of the facts that it would erase."""
        if self.relation is not None:
            return (self.relation,)
        return tuple(dict.fromkeys(fact.relation for fact in (*self.held, *self.past)))

    def __str__(self) -> str:
        of = [repr(one) for one in (self.entity, self.relation) if one is not None]
        return " ".join([self.kind, *of])


def as_policies(given: Policy | Iterable[Policy] | None) -> tuple[Policy, ...]:
    """Return the hooks, each of which must allow an action.

    Raises:
        UsageError: one cannot be called.
    """
    if given is None:
        return ()
    hooks = tuple(given) if isinstance(given, Iterable) and not callable(given) else (given,)
    for hook in hooks:
        if not callable(hook):
            raise UsageError(
                f"a policy must be callable, got {type(hook).__name__}",
                hint="give a function of a MemoryAction that returns true, false or a reason",
            )
    return hooks


async def check_allowed(
    action: MemoryAction,
    hooks: Iterable[Policy],
    wait: Callable[[Awaitable[Verdict]], Awaitable[Verdict]],
    which: str = "",
) -> None:
    """Ask the hooks, in their order, until one refuses.

    Args:
        wait: waits for the verdict of an async hook.
        which: of several facts this is, for the message.

    Raises:
        PolicyRefused: the action is not allowed.
        PolicyFailed: a hook raised, or returned no verdict.
    """
    for hook in hooks:
        name = getattr(hook, "__name__", type(hook).__name__)
        try:
            verdict = hook(action)
            if isawaitable(verdict):
                verdict = await wait(verdict)
        except Exception as error:
            raise PolicyFailed(name, f"{which}{action}", f"raised {_said(error)}") from error
        if verdict is True:
            continue
        if verdict is False or (isinstance(verdict, str) and verdict):
            reason = verdict if isinstance(verdict, str) else "it is not allowed"
            raise PolicyRefused(f"{action}: {reason}", policy=name)
        raise PolicyFailed(name, f"{which}{action}", f"returned {type(verdict).__name__}")


def _said(error: Exception) -> str:
    said = str(error).partition("\n")[0][:200]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def read_only() -> Policy:
    """Return a policy that allows no change."""
    return _named(lambda action: "memory is only read", "read_only()")


def deny_relations(*relations: str, kinds: Collection[ActionKind] = ()) -> Policy:
    """Return a policy that leaves some relations alone, whatever synonym names them.

    Narrower ones are denied too, such as "wife" for "spouse", and inverse ones by the store's rules,
    such as "child" for "parent". All of an entity may be forgotten where it has no such fact. Names that the table of synonyms does not know get past it:
    `only_relations` is the stricter choice.

    Args:
        kinds: of actions that are denied; by default all.
    """
    denied = _relation_keys("deny_relations", relations)

    def allows(action: MemoryAction) -> Verdict:
        if kinds and action.kind not in kinds:
            return True
        for relation in action.relations:
            key = relation_key(relation)
            if any(same_relation(key, one) or may_answer(key, one) for one in denied):
                return f"the relation {relation!r} may not be changed"
        for key in action.turned:
            if any(same_relation(key, one) or may_answer(key, one) for one in denied):
                return f"it changes {key!r} of another entity, which may not be changed"
        return True

    return _named(allows, f"deny_relations({', '.join(map(repr, relations))})")


def only_relations(*relations: str) -> Policy:
    """Return a policy that allows changes of some relations and their synonyms alone."""
    allowed = _relation_keys("only_relations", relations)

    def allows(action: MemoryAction) -> Verdict:
        for relation in action.relations:
            key = relation_key(relation)
            if not any(same_relation(key, one) for one in allowed):
                return f"the relation {relation!r} may not be changed; only {', '.join(relations)}"
        return True

    return _named(allows, f"only_relations({', '.join(map(repr, relations))})")


def only_sources(*patterns: str) -> Policy:
    """Return a policy that allows new facts from some sources, and changes of such facts, alone.

    Args:
        patterns: of sources, with ``*`` for any characters: "letter *", "https://wiki.example/*".
    """
    _check_texts("only_sources", patterns)

    def allows(action: MemoryAction) -> Verdict:
        if action.fact is not None and not action.sources:
            return f"a source is needed: {' or '.join(patterns)}"
        touched = (
            action.sources,
            *(fact.sources or ("",) for fact in (*action.held, *action.past)),
        )
        for source in (one for sources in touched for one in sources):
            if not any(fnmatchcase(source, pattern) for pattern in patterns):
                said = repr(source[:60]) if source else "a fact without a source"
                return f"{said} is not a source of {' or '.join(patterns)}"
        return True

    return _named(allows, f"only_sources({', '.join(map(repr, patterns))})")


def only_namespaces(*namespaces: Namespace) -> Policy:
    """Return a policy that allows changes in some namespaces, and in those below them, alone."""
    allowed = [check_namespace(one) for one in namespaces]
    if not allowed:
        raise UsageError("only_namespaces needs a namespace", hint='such as ("users", "7")')

    def allows(action: MemoryAction) -> Verdict:
        if any(action.namespace[: len(one)] == one for one in allowed):
            return True
        return f"the namespace {'/'.join(action.namespace) or '()'} may not be changed"

    return _named(allows, f"only_namespaces({', '.join(map(repr, allowed))})")


def never(*kinds: ActionKind) -> Policy:
    """Return a policy that denies kinds of actions: ``never("forget")``."""
    return _named(
        lambda action: action.kind not in kinds or f"nothing may be {_DONE[action.kind]}",
        f"never({', '.join(map(repr, kinds))})",
    )


_DONE = {"remember": "remembered", "correct": "corrected", "forget": "forgotten"}


def _relation_keys(what: str, relations: tuple[str, ...]) -> list[str]:
    _check_texts(what, relations)
    return [relation_key(one) for one in relations]


def _check_texts(what: str, texts: tuple[str, ...]) -> None:
    if not texts or not all(isinstance(one, str) and one for one in texts):
        raise UsageError(f"{what} needs texts, got {texts!r}", hint=f'such as {what}("salary")')


def _named(hook: Policy, name: str) -> Policy:
    hook.__name__ = name
    return hook
