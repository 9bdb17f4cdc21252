"""A language model as annotator: good and bad answers, retries, resumption."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.errors import AnnotatorFailed
from lamlam.trainer.annotation.chat_endpoint import ChatEndpoint, ModelReply
from lamlam.trainer.annotation.model_annotator import ModelAnnotator
from lamlam.trainer.annotation.reply_check import check_reply
from lamlam.trainer.annotation.work_file import WorkFile
from lamlam.trainer.documents import Document
from tests.trainer.annotation.chat_server import Answer, answer, chat_server, text_of

TEXT = "Ada Quill was born in Bath on 7 November 1867."
GOOD = (
    "Ada Quill was born in [dblookup('Ada Quill', 'Birth Place') -> Bath] Bath on"
    " [dblookup('Ada Quill', 'Birth Date') -> 7 November 1867] 7 November 1867."
)
FACTS = [("birth place", "Bath"), ("birth date", "7 November 1867")]


class NoPause(threading.Event):
    """An event whose waiting takes no time; keeps how long was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Note the pause."""
        self.waited.append(timeout)
        return self.is_set()


def endpoint(url: str, **options: Any) -> ChatEndpoint:
    """Return an endpoint that does not pause between its tries."""
    return ChatEndpoint(url, "m", stop=NoPause(), **options)


def facts_of(reply: str, text: str = TEXT) -> list[tuple[str, str]]:
    """Return relation and value of the facts of a reply."""
    return [(fact.relation, fact.value) for fact in check_reply(reply, text, "Ada Quill").facts]


@pytest.mark.parametrize(
    "reply",
    [
        GOOD,
        f"```\n{GOOD}\n```",
        f"Here is the annotated text:\n\n{GOOD}\n\nI hope that helps!",
        GOOD.replace(" was born in", "  was  born in"),
        GOOD.replace("Bath on", "Bath, on"),
        GOOD.replace("-> 7 November 1867]", "-> 1867-11-07]"),
    ],
)
def test_harmless_changes_are_repaired(reply: str) -> None:
    """Of the reply only the calls count, at their place in the text."""
    assert facts_of(reply) == FACTS


@pytest.mark.parametrize(
    ("reply", "facts", "dropped"),
    [
        (GOOD.replace("-> Bath", "-> London"), FACTS[1:], "value not in the text"),
        (GOOD.replace("'Ada Quill', 'Birth D", "'Tom Ferris', 'Birth D"), FACTS[:1],
         "entity not in the text"),
        (GOOD.replace("-> Bath]", "-> Bath"), FACTS[1:], "malformed"),
    ],
)  # fmt: skip
def test_wrong_calls_are_dropped_alone(
    reply: str, facts: list[tuple[str, str]], dropped: str
) -> None:
    """The others stay."""
    assert facts_of(reply) == facts
    assert check_reply(reply, TEXT, "Ada Quill").dropped[dropped] == 1


@pytest.mark.parametrize("reply", ["I cannot do that.", "", "Tom Ferris lived in Rome.", "{}"])
def test_other_texts_are_refused(reply: str) -> None:
    """They are not the text that was given."""
    assert check_reply(reply, TEXT, "Ada Quill").is_changed


@given(st.text(alphabet="ab [](')->dblookup,\n", max_size=80), st.text(max_size=40))
def test_any_reply_gives_facts_that_the_text_has(reply: str, text: str) -> None:
    """Whatever a model writes, values are where they are said to be."""
    for one in (reply, reply + text, GOOD + reply):
        end = 0
        for fact in check_reply(one, text, "Ada Quill").facts:
            assert text[fact.at : fact.at + len(fact.value)] == fact.value
            assert fact.at >= end
            end = fact.at + len(fact.value)


def annotate(
    url: str, work: Path, n: int = 1, text: str = TEXT, **options: Any
) -> tuple[list[Document], ModelAnnotator]:
    """Return what comes of some documents."""
    annotator = ModelAnnotator(endpoint(url, **options), "m", WorkFile(work), concurrency=3)
    documents = [Document("Ada Quill", f"{text} {i}" if i else text, ()) for i in range(n)]
    found = [after for _, after in annotator.annotate(documents)]
    return found, annotator


def annotated(body: dict[str, Any]) -> str:
    """Return a good reply to a request."""
    return text_of(body).replace(TEXT, GOOD)


def test_documents_stay_in_order(tmp_path: Path) -> None:
    """Many at a time; tokens are counted, the key is sent."""
    with chat_server(lambda n, body: answer(annotated(body))) as server:
        found, annotator = annotate(server.url, tmp_path / "w", 20, key="secret")
    assert [one.text for one in found] == [TEXT, *(f"{TEXT} {i}" for i in range(1, 20))]
    assert all([(f.relation, f.value) for f in one.facts] == FACTS for one in found)
    figures = annotator.figures
    assert (figures.requests, figures.prompt_tokens, figures.reply_tokens) == (20, 200, 100)
    assert figures.cost(1.0, 2.0) == pytest.approx(400 / 1e6)
    assert set(server.keys) == {"Bearer secret"}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ((429, {"Retry-After": "7"}, b""), "status 429"),
        ((503, {}, b"busy"), "status 503"),
        (None, "connection lost"),
        ((200, {}, b"<html>"), "not an answer of a chat"),
        ((200, {}, b'{"choices": []}'), "not an answer of a chat"),
        ((200, {}, b'{"choices": [{"message": {"content": null}}]}'), "empty answer"),
        ((200, {}, b'[' * 100_000), "not an answer of a chat"),
    ],
)  # fmt: skip
def test_a_bad_answer_is_asked_again(tmp_path: Path, bad: Answer, reason: str) -> None:
    """And counted; a server that says how long is waited for so long."""
    with chat_server(lambda n, body: bad if n < 2 else answer(annotated(body))) as server:
        found, annotator = annotate(server.url, tmp_path / "w")
    assert len(found) == 1 and len(server.asked) == 3
    assert annotator.model.failures == {reason: 2}  # type: ignore[attr-defined]
    waited = annotator.model.stop.waited  # type: ignore[attr-defined]
    assert waited == [7.0, 7.0] if reason == "status 429" else len(waited) == 2


@pytest.mark.parametrize(
    ("bad", "hint"),
    [
        ((429, {"Retry-After": "0"}, b""), "lower --concurrency"),
        ((503, {}, b""), "fault of its own"),
        (None, "still running"),
        ((200, {}, b"<html>"), "address of a chat endpoint"),
        (answer("Certainly! Here is a poem."), "follows instructions"),
    ],
)
def test_what_to_do_follows_from_what_went_wrong(tmp_path: Path, bad: Answer, hint: str) -> None:
    """Where no document got a usable answer."""
    with chat_server(lambda n, _: bad) as server:
        with pytest.raises(AnnotatorFailed) as caught:
            annotate(server.url, tmp_path / "w", tries=1)
    assert hint in (caught.value.hint or "")


def test_an_endpoint_that_is_silent_is_left(tmp_path: Path) -> None:
    """After its time; the document is counted, the others go on."""
    release = threading.Event()

    def script(n: int, body: dict[str, Any]) -> Answer:
        if text_of(body) == TEXT:
            release.wait()
        return answer(annotated(body))

    with chat_server(script) as server:
        found, annotator = annotate(server.url, tmp_path / "w", 3, timeout_s=0.2, tries=2)
        release.set()
    assert len(found) == 2
    assert annotator.figures.failed == 1
    assert annotator.model.failures == {"timed out": 2}  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 301])
def test_a_refusal_stops_the_run(tmp_path: Path, status: int) -> None:
    """With what the endpoint says; a redirection is not followed, and gets no key."""
    body = json.dumps({"error": {"message": "no such\nmodel"}}).encode()
    headers = {"Location": "http://127.0.0.1:1/"}
    with chat_server(lambda n, _: (status, headers, body)) as server:
        with pytest.raises(AnnotatorFailed, match=f"answers {status}: no such model"):
            annotate(server.url, tmp_path / "w", 30)
    assert len(server.asked) <= 2 * 3


def test_nobody_there_stops_the_run(tmp_path: Path) -> None:
    """Instead of failing at each of many documents."""
    with chat_server(lambda n, _: (500, {}, b"")) as server:
        with pytest.raises(AnnotatorFailed, match="none of the first 10 documents"):
            annotate(server.url, tmp_path / "w", 200, tries=1)
    assert len(server.asked) < 40


def test_a_model_that_follows_no_instructions_is_named(tmp_path: Path) -> None:
    """Also where there is one text; its replies are not kept."""
    with chat_server(lambda n, _: answer("Certainly! Here is a poem.")) as server:
        with pytest.raises(AnnotatorFailed, match="none of the first 1 documents .*text changed"):
            annotate(server.url, tmp_path / "w")
    assert len(WorkFile(tmp_path / "w")) == 0


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "", "http://"])
def test_urls_of_no_endpoint(url: str) -> None:
    """They are named."""
    with pytest.raises(AnnotatorFailed, match="not the URL"):
        ChatEndpoint(url, "m")


def test_a_killed_run_goes_on_from_its_replies(tmp_path: Path) -> None:
    """Also if its last line was cut off; nothing is asked twice."""
    work = tmp_path / "w"
    with chat_server(lambda n, body: answer(annotated(body))) as server:
        first, _ = annotate(server.url, work, 5)
        content = work.read_bytes()
        work.write_bytes(content[:-20])
        again, annotator = annotate(server.url, work, 5)
    assert again == first
    assert (annotator.figures.reused, annotator.figures.requests) == (4, 1)
    assert len(server.asked) == 6
    assert len(WorkFile(work)) == 5


def test_long_documents_are_asked_in_parts(tmp_path: Path) -> None:
    """Offsets are of the whole."""
    text = " ".join([TEXT] * 200)
    with chat_server(lambda n, body: answer(annotated(body))) as server:
        (found,), _ = annotate(server.url, tmp_path / "w", text=text)
    assert len(server.asked) > 2
    assert len(found.facts) == 400
    assert found.text == text
    assert all(text[f.at : f.at + len(f.value)] == f.value for f in found.facts)


def test_own_facts_win(tmp_path: Path) -> None:
    """Over what the model says of the same words."""

    class Model:
        def ask(
            self, messages: list[dict[str, str]], most_tokens: int, grammar: str | None = None
        ) -> ModelReply:
            return ModelReply(GOOD, 1, 1)

    from lamlam.trainer.documents import StatedFact

    own = StatedFact("Ada Quill", "town", "Bath", TEXT.index("Bath"))
    annotator = ModelAnnotator(Model(), "m", WorkFile(tmp_path / "w"))
    ((_, after),) = annotator.annotate([Document("Ada Quill", TEXT, (own,))])
    assert [fact.relation for fact in after.facts] == ["town", "birth date"]
