"""`make_app`: the whole server as one ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import compile_path

from lamlam.cut_text import cut_text
from lamlam.errors import LamLamError
from lamlam.serving.answers.refusals import Refusal, refusal_of
from lamlam.serving.facts_api.routes import fact_routes
from lamlam.serving.gate.bodies import Receive, Scope, Send
from lamlam.serving.gate.gate import OPEN, Gate
from lamlam.serving.openai_api.routes import generating_routes
from lamlam.serving.watching import watching_routes
from lamlam.version import __version__

if TYPE_CHECKING:
    from lamlam.serving.state.served import Served

_NONE: dict[str, Any] = {"type": "null", "description": "This model has no chat template."}
_NO_CHAT = {
    "tools": {"enum": [None, []]},
    "tool_choice": _NONE,
    "response_format": {"enum": [None, {"type": "text"}]},
}
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
_ABOUT = (
    "Texts with the facts of a memory, in the shapes of OpenAI's API, and the memory itself. "
    "Each text says where it came from: `annotations` and `provenance` beside it."
)


def make_app(served: Served, mcp: Application | None = None) -> Application:
    """Return the application, with all checks around it.

    Args:
        served: an open engine and memory; they stay open.
        mcp: answers below ``/mcp``.
    """
    app = FastAPI(
        title="lamlam",
        version=__version__,
        description=_ABOUT,
        docs_url=None,  # its page loads programs from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(generating_routes(served))
    app.include_router(fact_routes(served))
    app.include_router(watching_routes(served))
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Refusal, _answer_error)
    app.add_exception_handler(LamLamError, _answer_error)
    app.add_exception_handler(Exception, _answer_error)
    app.openapi = lambda: _description(app, served)  # type: ignore[method-assign]
    inner: Application = app
    if served.settings.allowed_origins:
        inner = CORSMiddleware(
            app,
            allow_origins=served.settings.allowed_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
        )
    return Gate(served, inner, mcp)


def as_response(refusal: Refusal) -> Response:
    """Return a refusal as the answer to a request."""
    return Response(refusal.body, refusal.status, dict(refusal.headers), "application/json")


async def _answer_error(request: Request, error: Exception) -> Response:
    return as_response(refusal_of(error))


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = {404: f"there is nothing at {request.url.path[:80]!r} (GET /openapi.json lists the paths)",
            405: f"{request.method} is not a method of {request.url.path[:80]!r}"}  # fmt: skip
    message = said.get(error.status_code, str(error.detail))
    code = {400: "invalid_json", 404: "not_found", 405: "method_not_allowed"}
    headers = dict(error.headers or {})
    if error.status_code == 405:  # of one route; others of the same path have other methods
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return as_response(
        Refusal(
            error.status_code,
            message,
            code.get(error.status_code, "invalid_request"),
            headers=headers,
        )
    )


def _methods(request: Request) -> set[str]:
    """Return the methods of all routes of a path."""
    found: set[str] = set()
    paths = request.app.openapi()["paths"]
    here = request.url.path
    for path, methods in ({here: paths[here]} if here in paths else paths).items():
        pattern, _, _ = compile_path(path)
        if pattern.match(request.url.path):
            found |= {method.upper() for method in methods}
    return found


async def _answer_invalid(request: Request, error: Exception) -> Response:
    """Name the first field at fault, what was expected, and what came."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        why = first.get("ctx", {}).get("error", "it cannot be read")
        return as_response(Refusal(400, f"the body is not JSON: {why}", "invalid_json"))
    param = _place(first, error.body)
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] in ("model_attributes_type", "dict_type") and param is None:
        message = "must be a JSON object, sent with Content-Type: application/json"
    if first["type"] == "extra_forbidden":
        message = "this server has no such field"
    status = 409 if param == "valid_to" and "after valid_from" in message else 400
    said = f"{cut_text(param, 120)}: {message}" if param else f"the body: {message}"
    return as_response(Refusal(status, said, "invalid_value", param))


def _place(fault: dict[str, Any], body: Any) -> str | None:
    """Return where in a request a fault is, without the names that pydantic has for types."""
    where, *parts = fault["loc"]
    if where != "body":
        return str(parts[0]) if parts else None
    found: list[str] = []
    for n, part in enumerate(parts):
        is_there = part in body if isinstance(body, dict) else isinstance(part, int)
        if is_there:
            body = body[part]
        elif fault["type"] != "missing" or n < len(parts) - 1:
            continue
        found.append(str(part))
    return ".".join(found) or None


def _description(app: FastAPI, served: Served) -> dict[str, Any]:
    """Return the OpenAPI document, with the names of this server in it; made once."""
    if app.openapi_schema:
        return app.openapi_schema
    schema = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    for one in schema["components"]["schemas"].values():
        field = one.get("properties", {}).get("model")
        if isinstance(field, dict) and one.get("additionalProperties") is False:
            field["enum"] = [served.model]
            if not served.is_chat:
                for name, nothing in _NO_CHAT.items():
                    if name in one["properties"]:
                        one["properties"][name] = nothing
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            operation["responses"].pop("422", None) if path.startswith("/facts") else None
            if served.keys is not None and path not in OPEN:
                operation["security"] = [{"key": []}]
    if served.keys is not None:
        schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    app.openapi_schema = schema
    return schema
