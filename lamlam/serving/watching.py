"""``/healthz`` and ``/metrics``: for those who keep the server running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from lamlam.errors import FactStoreError
from lamlam.serving.answers.described import errors

if TYPE_CHECKING:
    from lamlam.serving.state.served import Served


class Health(BaseModel):
    """Whether the server takes requests."""

    status: Literal["ok", "stopping"]


def watching_routes(served: Served) -> APIRouter:
    """Return the routes for health checks and Prometheus."""
    router = APIRouter(tags=["Watching"])

    @router.get(
        "/healthz",
        responses={503: {"model": Health, "description": "It is stopping."}, **errors(421)},
        summary="Say whether requests are taken",
    )
    async def check_health(response: Response) -> Health:
        if served.traffic.is_stopping:
            response.status_code = 503
            return Health(status="stopping")
        return Health(status="ok")

    @router.get(
        "/metrics",
        response_class=Response,
        responses={
            200: {
                "description": "Figures in the text format of Prometheus.",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            },
            **errors(401, 403, 421),
        },
        summary="Show figures for Prometheus",
    )
    async def show_metrics(request: Request) -> Response:
        request.state.access.need("watch")
        page, media_type = served.metrics.page(
            request.headers.get("accept", ""),
            served.engine.stats(),
            served.traffic.n_generations,
            await _memory(served),
        )
        return Response(page, headers={"content-type": media_type})

    return router


async def _memory(served: Served) -> tuple[int, int] | None:
    """Return how many facts memory has, and its revision; nothing where it does not answer."""
    if served.store is None:
        return None
    try:
        info = await served.store.info()
    except FactStoreError:
        return None
    return info.facts, int(info.revision)
