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
InNamespace = Annotated[
    str | None,
    typer.Option(
        "--namespace", metavar="A/B", help="The namespace of the entity; default: the shared one."
    ),
]
OfNamespace = Annotated[
    str | None,
    typer.Option("--namespace", metavar="A/B", help="Only this namespace; default: all."),
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
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def namespace_of(text: str | None) -> Namespace:
    """Return the namespace that a command line names.

    Raises:
        BadFact: it is not a namespace.
    """
    from lamlam.memory_backends.model.facts import check_namespace
    from lamlam.memory_backends.model.namespaces import parsed

    return check_namespace(parsed(text or ""))


def value_of(text: str, type: str | None) -> Value:
    """Return the value that a command line gives.

    Raises:
        BadFact: there is no such type, or the text is not a value of it.
    """
    from lamlam.memory_backends.fact_formats.typed_texts import value_from

    return value_from(type or "text", text)
