"""Every request that cannot be answered has a status, a code and one sentence in OpenAI's shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from lamlam.access_keys import AccessKeys
from lamlam.errors import UsageError
from lamlam.serving.answers.refusals import Refusal
from lamlam.serving.gate.origins import AllowedOrigins
from lamlam.serving.state.settings import ServerSettings
from tests.serving.conftest import Running, running

TEXT = {"model": "tiny", "prompt": "Ada", "max_tokens": 2}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> AccessKeys:
    return AccessKeys(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture(scope="module")
def reading_key(keys: AccessKeys) -> str:
    return keys.new("reader", namespace=("users", "7"), rights=["read"])


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, keys: AccessKeys, reading_key: str
) -> Iterator[Running]:
    """One that asks for keys, with a small limit of bodies."""
    url = f"sqlite:///{tmp_path_factory.mktemp('facts')}/facts.db"
    with running(tiny_model, url, keys=keys, name="tiny", max_body_bytes=10_000) as one:
        yield one


def refused(answer: httpx2.Response, status: int, code: str) -> str:
    """Check an answer and return its sentence."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert answer.json().keys() == {"error"}
    assert error.keys() == {"message", "type", "param", "code"} and error["code"] == code
    assert error["message"] and "\n" not in error["message"]
    return str(error["message"])


def test_without_a_key(server: Running) -> None:
    answer = server.client().post("/v1/completions", json=TEXT)
    assert "key" in refused(answer, 401, "invalid_api_key")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("key", ["wrong", "lamlam_0000000000_x", "ü", "a b c"])
def test_with_a_wrong_key(server: Running, key: str) -> None:
    header = f"Bearer {key}".encode("latin-1")
    answer = server.client().get("/v1/models", headers={b"authorization": header})
    refused(answer, 401, "invalid_api_key")


def test_the_client_of_openai_knows_the_errors(server: Running, reading_key: str) -> None:
    """As its own classes, with code and sentence."""
    base_url = f"{server.url}/v1"
    with openai.OpenAI(base_url=base_url, api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as told:
            client.models.list()
        assert told.value.code == "invalid_api_key"
    with openai.OpenAI(base_url=base_url, api_key=reading_key, max_retries=0) as client:
        with pytest.raises(openai.NotFoundError) as missed:
            client.completions.create(model="gpt-5", prompt="a")
        assert missed.value.param == "model" and "'tiny'" in missed.value.message
        with pytest.raises(openai.BadRequestError) as long:
            client.completions.create(model="tiny", prompt="word " * 1500)
        assert long.value.code == "context_length_exceeded"


def test_a_body_over_the_limit(server: Running, reading_key: str) -> None:
    """Said to be so long, or found to be while it arrives."""
    client = server.client(reading_key)
    answer = client.post("/v1/completions", content=b"x" * 10_001)
    assert "10,000 bytes" in refused(answer, 413, "body_too_large")
    answer = client.post("/v1/completions", content=iter([b"x" * 6000, b"x" * 6000]))
    refused(answer, 413, "body_too_large")


def test_an_unknown_model(server: Running, reading_key: str) -> None:
    client = server.client(reading_key)
    refused(client.post("/v1/completions", json={**TEXT, "model": "x"}), 404, "model_not_found")
    refused(client.get("/v1/models/x"), 404, "model_not_found")


def test_a_namespace_without_right(server: Running, reading_key: str) -> None:
    """Of another user's, and changes by a key that only reads."""
    client = server.client(reading_key)
    answer = client.post("/v1/completions", json={**TEXT, "namespace": "users/8"})
    assert "'users/8'" in refused(answer, 403, "namespace_refused")
    answer = client.get("/facts", params={"entity": "Ada", "namespace": "users/8"})
    refused(answer, 403, "namespace_refused")
    fact = {"entity": "Ada Quill", "relation": "birth place", "value": "Lowmere"}
    assert "write" in refused(client.post("/facts", json=fact), 403, "right_missing")
    answer = client.delete("/facts", params={"entity": "Ada Quill"})
    assert "forget" in refused(answer, 403, "right_missing")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1, 2", b'{"model": "tiny", "prompt": }', b"\xff\xfe", b"[" * 5000]
)
def test_malformed_json(server: Running, reading_key: str, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = server.client(reading_key).post("/v1/completions", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("invalid_json", "invalid_value")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": "  "}, "prompt"),
        ({"promt": "x"}, "promt"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": -1}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"policy": "guess"}, "policy"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"stream": True, "n": 2}, "stream"),
        ({"stop": ""}, "stop"),
    ],
)
def test_a_wrong_field_is_named(
    server: Running, reading_key: str, change: dict[str, Any], param: str
) -> None:
    answer = server.client(reading_key).post("/v1/completions", json={**TEXT, **change})
    refused(answer, 400, "invalid_value")
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"previous_response_id": "resp_1"},
            "keeps no responses; hand over the whole conversation",
        ),
        ({"conversation": "conv_1"}, "keeps no responses; hand over the whole conversation"),
        ({"background": True}, "this server has only False or null"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]},
            "content.0 is image (input_image) (this model reads text only)",
        ),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else None,
)
def test_what_a_response_cannot_have_is_said(
    server: Running, reading_key: str, change: dict[str, Any], says: str
) -> None:
    """By name, with what to do instead where there is something."""
    body = {"model": "tiny", "input": "Ada", **change}
    answer = server.client(reading_key).post("/v1/responses", json=body)
    refused(answer, 400, "invalid_value")
    assert says in answer.json()["error"]["message"]


def test_half_a_surrogate_pair(server: Running, reading_key: str) -> None:
    """Is no character; the answer says so, and can be read."""
    body = json.dumps({**TEXT, "prompt": "\ud800"})
    headers = {"content-type": "application/json"}
    answer = server.client(reading_key).post("/v1/completions", content=body, headers=headers)
    assert answer.status_code == 400


def test_paths_and_methods_that_do_not_exist(server: Running, reading_key: str) -> None:
    client = server.client(reading_key)
    said = refused(client.get("/v1/nothing"), 404, "not_found")
    assert "/openapi.json" in said
    answer = client.put("/facts")
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "DELETE, GET, POST"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "", "127.0.0.1.evil.example"]
)
def test_a_host_that_is_not_ours(server: Running, host: str) -> None:
    """Even without a key: a name server may lead it here."""
    answer = server.client().get("/healthz", headers={"host": host})
    assert answer.status_code in (400, 421)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://["]
)
def test_a_page_of_another_origin(server: Running, origin: str) -> None:
    answer = server.client().get("/healthz", headers={"origin": origin})
    refused(answer, 403, "origin_refused")
    answer = server.client().get("/healthz", headers={"origin": server.url})
    assert answer.status_code == 200


def test_names_that_are_allowed() -> None:
    """Addresses where it listens on all of them, names where they were given."""
    settings = ServerSettings(
        host="0.0.0.0",
        has_keys=True,
        allowed_hosts=("facts.example",),
        allowed_origins=("https://app.example",),
    )
    origins = AllowedOrigins(settings)
    for host in ("10.0.0.3:8000", "[::1]:8000", "Facts.example", "localhost"):
        origins.check(host, None)
    origins.check("facts.example", "https://app.example")
    for host, origin in (("other.example", None), ("10.0.0.3", "https://other.example")):
        with pytest.raises(Refusal):
            origins.check(host, origin)
    with pytest.raises(Refusal):
        AllowedOrigins(ServerSettings()).check("10.0.0.3", None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "lamlam.example"])
def test_no_open_door(host: str) -> None:
    """Where others can reach it, a server asks for keys or does not begin."""
    with pytest.raises(UsageError, match="no access key"):
        ServerSettings(host=host)
    assert ServerSettings(host=host, has_keys=True).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_this_machine_needs_no_key(host: str) -> None:
    assert ServerSettings(host=host).is_local


def test_figures_of_the_server(server: Running, keys: AccessKeys, reading_key: str) -> None:
    """Count what all clients do: a key that reads facts does not read them, nor the reverse."""
    answer = server.client(reading_key).get("/metrics")
    assert "right to watch" in refused(answer, 403, "right_missing")
    watching = server.client(keys.new("prometheus", rights=["watch"]))
    assert "lamlam_memory_facts 0.0" in watching.get("/metrics").text
    refused(watching.get("/facts", params={"entity": "Ada Quill"}), 403, "right_missing")


def test_an_unknown_tool(server: Running, reading_key: str) -> None:
    """By its own code, whether the model could call any or not."""
    messages = [{"role": "user", "content": "hi"}]
    chosen = {"type": "function", "function": {"name": "weather"}}
    body = {"model": "tiny", "messages": messages, "tool_choice": chosen}
    answer = server.client(reading_key).post("/v1/chat/completions", json=body)
    assert "'weather'" in refused(answer, 404, "unknown_tool")
    chosen_here = {"type": "function", "name": "weather"}
    body = {"model": "tiny", "input": "hi", "tool_choice": chosen_here}
    answer = server.client(reading_key).post("/v1/responses", json=body)
    refused(answer, 404, "unknown_tool")


def test_a_memory_that_is_only_read(bundled_server: Running) -> None:
    """Its changes are refused, and say what would take them."""
    fact = {"entity": "Ada Quill", "relation": "birth place", "value": "Lowmere"}
    answer = bundled_server.client().post("/facts", json=fact)
    assert "--memory" in refused(answer, 403, "read_only")
