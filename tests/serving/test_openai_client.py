"""The official client of OpenAI's API reads every answer, streamed or not, with where it came from."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from tests.serving.conftest import Running

QUESTION = "What is the capital of Norway?"


@pytest.fixture(scope="module")
def client(bundled_server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{bundled_server.url}/v1", api_key="none") as one:
        yield one


def test_a_completion_goes_on_with_the_text(client: openai.OpenAI) -> None:
    done = client.completions.create(
        model="bundled", prompt="Elvis Presley was born in", max_tokens=8
    )
    (choice,) = done.choices
    assert choice.text.startswith(" Tupelo, Mississippi")
    provenance = choice.provenance  # type: ignore[attr-defined]  # beside OpenAI's own fields
    (fact,) = [span for span in provenance["spans"] if span["origin"] == "fact"]
    assert choice.text[fact["start"] : fact["end"]] == "Tupelo, Mississippi"
    assert provenance["lookups"][0]["fact_id"] == fact["fact_id"]
    assert done.usage is not None and done.usage.prompt_tokens == 7


def test_spans_cover_the_text(client: openai.OpenAI) -> None:
    """Without gap or overlap, with the prompt or without."""
    for echo in (False, True):
        done = client.completions.create(
            model="bundled", prompt="Elvis Presley was born in", max_tokens=20, echo=echo
        )
        spans = done.choices[0].provenance["spans"]  # type: ignore[attr-defined]
        ends = [0, *(span["end"] for span in spans)]
        assert [span["start"] for span in spans] == ends[:-1]
        assert ends[-1] == len(done.choices[0].text)
        assert (spans[0]["origin"] == "prompt") == echo


def test_an_annotation_names_the_fact(client: openai.OpenAI, bundled_server: Running) -> None:
    """Its address is that of the fact, which can be read there."""
    done = client.chat.completions.create(
        model="bundled", messages=[{"role": "user", "content": QUESTION}]
    )
    message = done.choices[0].message
    assert message.content == "Oslo"
    assert message.annotations is not None
    (cited,) = [one.url_citation for one in message.annotations]
    assert message.content[cited.start_index : cited.end_index] == "Oslo"
    fact = bundled_server.client().get(cited.url).json()
    assert (fact["entity"], fact["relation"], fact["value"]) == ("Norway", "capital", "Oslo")


def test_a_streamed_answer_is_the_same(client: openai.OpenAI) -> None:
    """Its pieces are the text; the last one says where it came from."""
    whole = client.chat.completions.create(
        model="bundled", messages=[{"role": "user", "content": QUESTION}]
    )
    pieces = list(
        client.chat.completions.create(
            model="bundled",
            messages=[{"role": "user", "content": QUESTION}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    deltas = [one.choices[0].delta for one in pieces if one.choices]
    assert "".join(one.content or "" for one in deltas) == whole.choices[0].message.content
    expected = whole.choices[0].message.provenance["spans"]  # type: ignore[attr-defined]
    assert deltas[-1].provenance["spans"] == expected  # type: ignore[attr-defined]
    assert pieces[-1].usage == whole.usage
    assert [one.choices[0].finish_reason for one in pieces if one.choices][-1] == "stop"


def test_a_streamed_completion_is_the_same(client: openai.OpenAI) -> None:
    whole = client.completions.create(
        model="bundled", prompt="Elvis Presley was", max_tokens=40, echo=True
    )
    pieces = client.completions.create(
        model="bundled", prompt="Elvis Presley was", max_tokens=40, echo=True, stream=True
    )
    assert "".join(one.choices[0].text for one in pieces) == whole.choices[0].text


def test_several_prompts_have_a_text_each(client: openai.OpenAI) -> None:
    """In their order, twice each where two are asked for."""
    prompts = ["Elvis Presley was born in", "Oslo is"]
    done = client.completions.create(model="bundled", prompt=prompts, n=2, max_tokens=5)
    texts = [one.text for one in done.choices]
    assert [one.index for one in done.choices] == [0, 1, 2, 3]
    assert texts[0] == texts[1] != texts[2] == texts[3]


def test_log_probabilities(client: openai.OpenAI) -> None:
    """Of each token of the text, none of which is certain but those from memory."""
    done = client.completions.create(
        model="bundled", prompt="Elvis Presley was born in", max_tokens=8, logprobs=2
    )
    found = done.choices[0].logprobs
    assert found is not None and found.tokens is not None and found.token_logprobs is not None
    assert "".join(found.tokens) == done.choices[0].text
    assert 0.0 in found.token_logprobs and min(found.token_logprobs) < 0
    chat = client.chat.completions.create(
        model="bundled",
        messages=[{"role": "user", "content": QUESTION}],
        logprobs=True,
        top_logprobs=1,
    )
    assert chat.choices[0].logprobs is not None


def test_a_response(client: openai.OpenAI) -> None:
    """Its text has annotations and provenance; as a stream the events end with the same."""
    whole = client.responses.create(model="bundled", input=QUESTION)
    assert whole.output_text == "Oslo" and whole.status == "completed"
    part = whole.output[0].content[0]  # type: ignore[union-attr,index]
    assert part.annotations[0].type == "url_citation"  # type: ignore[union-attr]
    events = list(client.responses.create(model="bundled", input=QUESTION, stream=True))
    assert [one.sequence_number for one in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == "Oslo"
    assert (
        "".join(one.delta for one in events if one.type == "response.output_text.delta") == "Oslo"
    )
    (cited,) = [one for one in events if one.type == "response.output_text.annotation.added"]
    assert cited.annotation.type == "url_citation"  # type: ignore[union-attr]


def test_the_models(client: openai.OpenAI) -> None:
    assert [one.id for one in client.models.list()] == ["bundled"]
    assert client.models.retrieve("bundled").owned_by == "lamlam"


def test_settings_of_lamlam_pass_through(client: openai.OpenAI) -> None:
    """Beside those of OpenAI's own."""
    done = client.completions.create(
        model="bundled",
        prompt="Marie Curie was born in",
        extra_body={"policy": "memory_only", "max_lookups": 3},
    )
    assert done.choices[0].provenance["finish_reason"] == "miss"  # type: ignore[attr-defined]
