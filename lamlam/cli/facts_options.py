"""Arguments and options that several commands of ``lamlam facts`` share, and their parsers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.model.values import Value

Entity = Annotated[str, typer.Argument(help="The entity that the fact is about.")]
Relation = Annotated[str, typer.Argument(help='The relation, such as "birth place".')]
MaybeRelation = Annotated[str | None, typer.Argument(help="One relation; default: all of them.")]
ReadMemory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="URL",
        help="A store's URL; default: your own facts, or the bundled ones if none.",
    ),
]
WriteMemory = Annotated[
    str | None,
    typer.Option("--memory", metavar="URL", help="A store's URL; default: your own facts."),
]
_WHOSE = "Whose facts, as users/7; default: "
InNamespace = Annotated[
    str | None,
    typer.Option("--namespace", metavar="A/B", help=f"{_WHOSE}those without a namespace."),
]
OfNamespace = Annotated[
    str | None,
    typer.Option("--namespace", metavar="A/B", help=f"{_WHOSE}those of all."),
]
SharedNamespace = Annotated[
    str | None,
    typer.Option(
        "--shared-namespace",
        metavar="A/B",
        help="Whose facts are read where --namespace has none; default: those without a namespace.",
    ),
]
NoShared = Annotated[
    bool, typer.Option("--no-shared", help="Read the facts of --namespace and no others.")
]
ValueType = Annotated[
    str | None,
    typer.Option(
        "--type",
        help="What VALUE is: text (the default), integer, decimal, boolean, date, quantity"
        " or entity.",
    ),
]
AsOf = Annotated[
    int | None,
    typer.Option("--as-of", metavar="REVISION", help="Read the store as it was at this revision."),
]
Actor = Annotated[
    str | None,
    typer.Option("--actor", help="Who changes it; stands in the history and in `facts changes`."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def namespace_of(text: str | None) -> Namespace:
    """Return the namespace that a command line names.

    Raises:
        BadFact: it is not a namespace.
    """
    from lamlam.errors import BadFact
    from lamlam.memory_backends.model.facts import check_namespace
    from lamlam.memory_backends.model.namespaces import parsed

    try:
        return check_namespace(parsed(text or ""))
    except BadFact as error:
        if error.hint is not None:
            raise
        raise BadFact(str(error), hint="write it as users/7") from None


def texts_namespaces(
    namespace: str | None, shared_namespace: str | None, no_shared: bool
) -> dict[str, Namespace | None]:
    """Return the options by which a text reads what a command line names.

    Raises:
        BadFact: one of them is not a namespace.
        UsageError: a shared one and none, or one without the user's own.
    """
    from lamlam.errors import UsageError

    if shared_namespace is not None and no_shared:
        raise UsageError("--no-shared and --shared-namespace exclude each other")
    if namespace is None and (shared_namespace is not None or no_shared):
        given = "--no-shared" if no_shared else "--shared-namespace"
        raise UsageError(f"{given} needs --namespace", hint="add --namespace A/B")
    if namespace is None:
        return {}
    own, shared = namespace_of(namespace), None if no_shared else namespace_of(shared_namespace)
    if shared_namespace is not None and own == shared:
        raise UsageError(
            f"--namespace and --shared-namespace are both {namespace!r}",
            hint="name another one, or --no-shared in place of the second",
        )
    return {"namespace": own, "shared_namespace": shared}


def value_of(text: str, type: str | None) -> Value:
    """Return the value that a command line gives.

    Raises:
        BadFact: there is no such type, or the text is not a value of it.
    """
    from lamlam.memory_backends.fact_formats.typed_texts import value_from

    return value_from(type or "text", text)
