"""``lamlam chat``: talk with a model, and read, change and erase what it looks up."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from lamlam.cli.facts_options import (
    InNamespace,
    NoShared,
    SharedNamespace,
    texts_namespaces,
)
from lamlam.cli.model_options import Model, Seed, Temperature, Threads
from lamlam.ending_signals import taking_ctrl_c

if TYPE_CHECKING:
    from lamlam.cli.chat_lines import ChatLines


def register(app: typer.Typer) -> None:
    """Add the command ``chat``."""
    app.command(
        epilog="Example: lamlam chat --memory sqlite:///mine.db --namespace users/7;"
        ' in it: "Where was Ada Quill born?", then /why'
    )(chat)


def chat(
    model: Model = "bundled",
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory",
            metavar="URL",
            help="Where facts are read and written, e.g. sqlite:///mine.db; default: the bundled"
            " ones are read, /set writes your own file.",
        ),
    ] = None,
    namespace: InNamespace = None,
    shared_namespace: SharedNamespace = None,
    no_shared: NoShared = False,
    system: Annotated[
        str | None, typer.Option("--system", help="Tells a chat model how to answer.")
    ] = None,
    policy: Annotated[
        str,
        typer.Option(
            "--policy",
            help="What a miss does, as of lamlam ask; continue lets the model write on by itself.",
        ),
    ] = "memory_only",
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens", help="Most tokens of an answer; default: 256, or 64 of a text."
        ),
    ] = None,
    temperature: Temperature = 0.0,
    threads: Threads = None,
    seed: Seed = None,
    no_history: Annotated[
        bool, typer.Option("--no-history", help="Keep no lines for the next chat, and read none.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="/forget does not ask back; for lines of a pipe.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line, for each line read.")
    ] = False,
) -> None:
    """Hold a talk with a model whose facts you can read, change and erase in between.

    Values of memory are marked and numbered; /source 1 says where one is from, /why what was asked
    and what was missed, /help lists all commands. Ctrl-C stops an answer; Ctrl-D or /quit leaves.
    A model without a chat template, as the bundled one, goes on with each line by itself: with
    the answer to a question. From a pipe each line is a message.
    """
    from lamlam.cli.ask import check_options
    from lamlam.cli.chat_memory import ChatMemory
    from lamlam.cli.chat_session import ChatSession
    from lamlam.cli.chat_talk import Talk
    from lamlam.cli.chat_view import ChatView

    spaces = texts_namespaces(namespace, shared_namespace, no_shared)
    options = {
        "policy": policy,
        "temperature": temperature,
        "seed": seed,
        **({"max_tokens": max_tokens} if max_tokens is not None else {}),
        **spaces,
    }
    check_options(options, threads)
    is_terminal = not as_json and _is_terminal()
    session = ChatSession(
        talk=Talk(options, system),
        view=ChatView(is_terminal=is_terminal, as_json=as_json),
        lines=_lines(is_terminal=is_terminal, no_history=no_history),
        engine_options={"model": model, "threads": threads, "max_sequences": 1},
        asks_back=not yes,
        is_terminal=is_terminal,
    )
    own, shared = spaces.get("namespace") or (), spaces.get("shared_namespace", ())
    with taking_ctrl_c() if is_terminal else nullcontext():
        session.run(memory, lambda url: ChatMemory(url, own, shared))
    if session.status:
        raise typer.Exit(session.status)


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _lines(*, is_terminal: bool, no_history: bool) -> ChatLines:
    from lamlam.cli.chat_commands import NAMES
    from lamlam.cli.chat_lines import PipedLines, TypedLines
    from lamlam.memory_backends.open import data_folder

    file = data_folder() / "chat_history"
    if not is_terminal:
        return PipedLines(file)
    return TypedLines(file, NAMES, keeps=not no_history)
