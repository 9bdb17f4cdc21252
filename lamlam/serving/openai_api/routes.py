"""The paths below ``/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from lamlam.serving.answers.described import errors, stream_of
from lamlam.serving.answers.refusals import Refusal
from lamlam.serving.openai_api.chat import ChatBody, ChatText, answer_chat
from lamlam.serving.openai_api.completions import (
    CompletionBody,
    CompletionTexts,
    answer_completion,
)
from lamlam.serving.openai_api.response_bodies import ResponseObject, ResponsesBody
from lamlam.serving.openai_api.responses import answer_response
from lamlam.serving.texts.generation import GenerationAnswer

if TYPE_CHECKING:
    from lamlam.serving.state.served import Served

_STATUSES = (400, 401, 403, 404, 408, 409, 413, 421, 422, 429, 500, 501, 503, 504)


class ServedModel(BaseModel):
    """A model that answers here."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "lamlam"


class ServedModels(BaseModel):
    """All models that answer here."""

    object: Literal["list"] = "list"
    data: list[ServedModel]


def generating_routes(served: Served) -> APIRouter:
    """Return the routes that generate texts, and the list of models."""
    router = APIRouter(prefix="/v1", tags=["OpenAI"])

    def described(answer: type[BaseModel], summary: str) -> dict[str, Any]:
        return {
            "status_code": 200,  # read of the class otherwise, which has none
            "response_class": GenerationAnswer,
            "response_model": None,
            "responses": {200: stream_of(answer), **errors(*_STATUSES)},
            "summary": summary,
        }

    @router.post("/completions", **described(CompletionTexts, "Go on with a text"))
    async def create_completion(body: CompletionBody, request: Request) -> GenerationAnswer:
        return answer_completion(served, request.state.access, body, base_url(request))

    @router.post("/chat/completions", **described(ChatText, "Answer a conversation"))
    async def create_chat_completion(body: ChatBody, request: Request) -> GenerationAnswer:
        return answer_chat(served, request.state.access, body, base_url(request))

    @router.post("/responses", **described(ResponseObject, "Answer a conversation by items"))
    async def create_response(body: ResponsesBody, request: Request) -> GenerationAnswer:
        return answer_response(served, request.state.access, body, base_url(request))

    @router.get("/models", responses=errors(401, 403, 421, 503), summary="List the models")
    async def list_models(request: Request) -> ServedModels:
        request.state.access.need("read")
        return ServedModels(data=[ServedModel(id=served.model)])

    @router.get(
        "/models/{model}", responses=errors(401, 403, 404, 421, 503), summary="Describe a model"
    )
    async def get_model(model: str, request: Request) -> ServedModel:
        request.state.access.need("read")
        if model != served.model:
            raise Refusal(
                404,
                f"the model {model[:80]!r} is not served here, only {served.model!r}",
                "model_not_found",
                "model",
            )
        return ServedModel(id=model)

    return router


def base_url(request: Request) -> str:
    """Return how the client calls this server."""
    return str(request.base_url).rstrip("/")
