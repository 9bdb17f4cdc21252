"""``lamlam serve``: texts and facts over HTTP, in the shapes of OpenAI's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lamlam.cli.keys import KeyFile
from lamlam.cli.model_options import Model, Threads
from lamlam.cli.server_options import AllowHost, AllowOrigin, check_has_key, keys_of

if TYPE_CHECKING:
    from lamlam.access_keys import AccessKeys
    from lamlam.serving.state.served import Served
    from lamlam.serving.state.settings import ServerSettings


def register(app: typer.Typer) -> None:
    """Add the command ``serve``."""
    app.command(
        epilog="Example: lamlam serve --memory sqlite:///facts.db, then any client of OpenAI's"
        ' with base_url="http://127.0.0.1:8000/v1"'
    )(serve)


def serve(
    model: Model = "bundled",
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory",
            metavar="URL",
            help="Where facts are read and written, e.g. sqlite:///facts.db; default: the bundled"
            " ones, which are only read.",
        ),
    ] = None,
    no_memory: Annotated[
        bool, typer.Option("--no-memory", help="Look nothing up, and have no /facts.")
    ] = False,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Take no changes of facts from anybody.")
    ] = False,
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0: any that is free.")] = 8000,
    keys: KeyFile = None,
    model_name: Annotated[
        str | None,
        typer.Option("--model-name", help="By which clients ask for it; default: of its file."),
    ] = None,
    sequences: Annotated[
        int, typer.Option("--sequences", min=1, max=256, help="Generations at the same time.")
    ] = 4,
    queue: Annotated[
        int, typer.Option("--queue", min=0, help="Generations that wait; more get status 429.")
    ] = 64,
    context: Annotated[
        int | None,
        typer.Option("--context", help="Tokens of one generation; default: as trained."),
    ] = None,
    threads: Threads = None,
    gpu_layers: Annotated[int, typer.Option("--gpu-layers", help="Layers on a GPU; -1: all.")] = 0,
    max_body: Annotated[int, typer.Option("--max-body", min=1, help="Most bytes of a request.")] = 2
    << 20,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0, help="Most seconds of one generation; 0: any.")
    ] = 300.0,
    grace: Annotated[
        float, typer.Option("--grace", min=0, help="Seconds that a stop leaves to what runs.")
    ] = 30.0,
    allow_host: AllowHost = None,
    allow_origin: AllowOrigin = None,
) -> None:
    """Serve texts and facts to clients of OpenAI's API, and the memory to agents by MCP.

    /v1/completions, /v1/chat/completions, /v1/responses, /v1/models; /facts; /mcp; /metrics,
    /healthz, /openapi.json. Each text says where its words came from. Access keys
    (lamlam keys new) decide namespace and rights of each client; elsewhere than on this machine
    it listens only with keys. Ctrl-C or SIGTERM lets what is under way come to its end; a second
    one cuts it off.
    """
    from lamlam.errors import UsageError
    from lamlam.installed import need

    need("serve")
    need("engine")
    from lamlam.memory_backends.open import BUNDLED
    from lamlam.serving.state.settings import ServerSettings

    if memory is not None and no_memory:
        raise UsageError("--memory and --no-memory cannot go together")
    found = keys_of(keys)
    if found is not None:
        check_has_key(found)
    settings = ServerSettings(
        host=host,
        port=port,
        has_keys=found is not None,
        max_waiting=queue,
        max_body_bytes=max_body,
        timeout_s=timeout,
        grace_s=grace,
        allowed_hosts=tuple(allow_host or ()),
        allowed_origins=tuple(allow_origin or ()),
    )
    options = {
        "max_sequences": sequences, "context": context, "threads": threads,
        "gpu_layers": gpu_layers,
    }  # fmt: skip
    url = None if no_memory else memory or (BUNDLED if model == BUNDLED else None)
    _run(model, url, settings, found, options, model_name, read_only=read_only)


def _run(
    model: str,
    memory: str | None,
    settings: ServerSettings,
    keys: AccessKeys | None,
    options: dict[str, int | None],
    model_name: str | None,
    *,
    read_only: bool,
) -> None:
    import anyio

    from lamlam.cli.log_warnings import showing_warnings
    from lamlam.cli.output import stderr_console
    from lamlam.serving.server import opened, serve

    async def main() -> None:
        async with opened(
            model,
            memory,
            settings,
            read_only=read_only,
            keys=keys,
            engine_options=options,  # type: ignore[arg-type]  # None: the default
            model_name=model_name,
        ) as served:
            await serve(served, on_ready=lambda url: _say(served, url))

    with showing_warnings(stderr_console()):
        anyio.run(main, backend="asyncio")


def _say(served: Served, url: str) -> None:
    """Print where the server is, for people and for programs that wait for it."""
    from lamlam.cli.output import printable_line, stderr_console

    console = stderr_console()
    console.print(printable_line(f"serving {served.model} on {url}"), soft_wrap=True)
    if served.keys is not None:
        said = f"each request needs an access key of {served.keys.path}"
        console.print(printable_line(said), soft_wrap=True)
    console.print(
        printable_line(f'OpenAI clients: base_url="{url}/v1"; description: {url}/openapi.json'),
        style="dim",
        soft_wrap=True,
    )
