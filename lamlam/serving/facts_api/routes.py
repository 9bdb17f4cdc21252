"""The paths below ``/facts``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from lamlam.serving.answers.described import errors
from lamlam.serving.facts_api.answers import (
    ChangeAnswer,
    FactAnswer,
    FactsAnswer,
    HistoryAnswer,
    ReceiptAnswer,
)
from lamlam.serving.facts_api.bodies import FactBody, RetractBody
from lamlam.serving.facts_api.fields import (
    EntityName,
    LimitNumber,
    ReasonText,
    RelationName,
    SearchedText,
    SpaceText,
)
from lamlam.serving.facts_api.reader import ClientMemory

if TYPE_CHECKING:
    from lamlam.serving.state.served import Served

_READING = errors(400, 401, 403, 404, 408, 413, 421, 500, 501, 503)
_WRITING = _READING | errors(409)
Space = Annotated[SpaceText | None, Query()]
IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[!-~]{1,200}$",
        description="Names this change: repeated with the same key, it is made once.",
    ),
]
FactId = Annotated[
    str, Path(max_length=200, description="As `id` of a fact, or `fact_id` of a span.")
]


def fact_routes(served: Served) -> APIRouter:
    """Return the routes that read and change the memory."""
    router = APIRouter(prefix="/facts", tags=["Facts"])

    def memory(request: Request, space: str | None, *rights: str) -> ClientMemory:
        return ClientMemory.of(served, request.state.access, space, *rights)

    @router.get("", responses=_READING, summary="Read the facts of an entity")
    async def read_facts(
        request: Request,
        entity: Annotated[EntityName, Query()],
        relation: Annotated[RelationName | None, Query()] = None,
        limit: Annotated[LimitNumber, Query()] = 100,
        namespace: Space = None,
    ) -> FactsAnswer:
        return await memory(request, namespace, "read").facts(entity, relation, limit)

    @router.get("/search", responses=_READING, summary="Search facts by a text")
    async def search_facts(
        request: Request,
        text: Annotated[SearchedText, Query()],
        limit: Annotated[LimitNumber, Query()] = 20,
        namespace: Space = None,
    ) -> FactsAnswer:
        return await memory(request, namespace, "read").search(text, limit)

    @router.get("/history", responses=_READING, summary="Read what an entity had once")
    async def read_history(
        request: Request,
        entity: Annotated[EntityName, Query()],
        relation: Annotated[RelationName | None, Query()] = None,
        namespace: Space = None,
    ) -> HistoryAnswer:
        return await memory(request, namespace, "read").history(entity, relation)

    @router.post(
        "", status_code=201, responses=_WRITING, summary="Add a fact, or replace others by it"
    )
    async def assert_fact(
        request: Request,
        response: Response,
        body: FactBody,
        idempotency_key: IdempotencyKey = None,
    ) -> ChangeAnswer:
        done = await memory(request, body.namespace, "write").assert_fact(body, idempotency_key)
        if done.fact is not None and done.fact.id is not None:
            response.headers["location"] = f"/facts/{done.fact.id}"
        return done

    @router.post("/retract", responses=_WRITING, summary="End facts; their history stays")
    async def retract_facts(
        request: Request, body: RetractBody, idempotency_key: IdempotencyKey = None
    ) -> ChangeAnswer:
        return await memory(request, body.namespace, "write").retract(body, idempotency_key)

    @router.delete("", responses=_WRITING, summary="Erase facts for good, history included")
    async def erase_facts(
        request: Request,
        entity: Annotated[EntityName, Query()],
        relation: Annotated[RelationName | None, Query()] = None,
        reason: Annotated[ReasonText | None, Query()] = None,
        namespace: Space = None,
    ) -> ReceiptAnswer:
        return await memory(request, namespace, "forget").erase(entity, relation, reason)

    @router.get("/{fact_id}", responses=_READING, summary="Read one fact")
    async def read_fact(request: Request, fact_id: FactId, namespace: Space = None) -> FactAnswer:
        return FactAnswer.of(await memory(request, namespace, "read").fact(fact_id))

    @router.delete("/{fact_id}", responses=_WRITING, summary="Erase one fact for good")
    async def erase_fact(
        request: Request,
        fact_id: FactId,
        reason: Annotated[ReasonText | None, Query()] = None,
        namespace: Space = None,
    ) -> ReceiptAnswer:
        found = memory(request, namespace, "forget")
        fact = await found.own_fact(fact_id)
        return await found.erase(fact.entity, fact.relation, reason, fact)

    return router
