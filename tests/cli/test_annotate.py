"""``lamlam annotate`` as a user meets it."""

from __future__ import annotations

import gzip
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lamlam.cli.app import run
from lamlam.trainer.annotation import source_texts
from lamlam.trainer.documents import read_documents
from lamlam.trainer.settings import load_settings
from tests.trainer.annotation.chat_server import answer, chat_server, text_of

FACTS = """{"entity": "Acme Robotics", "relation": "founder", "value": "Ada Quill"}
{"entity": "Ada Quill", "relation": "birth place", "value": "Lowmere"}
{"entity": "Ada Quill", "relation": "birth date", "value": {"date": "1867-11-07"}}
{"entity": "Tom Ferris", "relation": "birth place", "value": "Bath"}
"""
MARKDOWN = """# Acme Robotics

**Acme Robotics** was founded by [Ada Quill](http://x), who was born in
Lowmere.

# Ada Quill

Ada Quill (November 7, 1867) was a <script>alert(1)</script> writer.
"""
Annotate = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def annotate(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Annotate:
    """Runs the command in an empty folder; status, figures, errors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "facts.jsonl").write_text(FACTS)

    def run_annotate(*arguments: str) -> tuple[int, Any, str]:
        capsys.readouterr()
        status = run(["annotate", *arguments, "--json"])
        shown = capsys.readouterr()
        return status, json.loads(shown.out) if shown.out else None, shown.err

    return run_annotate


def test_markdown_with_a_fact_file(annotate: Annotate, tmp_path: Path) -> None:
    """Documents, facts and a page; a section is a document."""
    (tmp_path / "a.md").write_text(MARKDOWN)
    status, figures, err = annotate(
        "a.md", "--facts", "facts.jsonl", "--out", "out.jsonl", "--facts-out", "f.jsonl",
        "--report", "r.html",
    )  # fmt: skip
    assert (status, err) == (0, "")
    documents = list(read_documents("out.jsonl"))
    assert [one.title for one in documents] == ["Acme Robotics", "Ada Quill"]
    assert [fact.value for one in documents for fact in one.facts] == [
        "Ada Quill", "Lowmere", "November 7, 1867",
    ]  # fmt: skip
    assert figures["added"] == 3
    assert figures["years_covered"] == 1.0
    assert figures["known_entities_not_stated"] == 1
    assert run(["facts", "import", "f.jsonl", "--memory", "sqlite:///new.db"]) == 0
    assert "<mark>Lowmere</mark>" in (tmp_path / "r.html").read_text()


def test_a_store_a_folder_and_packed_lines(annotate: Annotate, tmp_path: Path) -> None:
    """Of a folder the texts are read, and what is not one is counted."""
    assert run(["facts", "import", "facts.jsonl", "--memory", "sqlite:///facts.db"]) == 0
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "x.png").write_bytes(b"\x89PNG")
    (folder / "a.txt").write_text("Tom Ferris was born in Bath.")
    with gzip.open(folder / "b.jsonl.gz", "wt") as lines:
        lines.write('\ufeff{"title": "Ada Quill", "text": "Ada Quill was born in Lowmere."}\n\n')
    for facts in ("sqlite:///facts.db", "facts.db"):
        status, figures, _ = annotate("texts", "--facts", facts, "--out", "out.jsonl.xz")
        assert status == 0
        assert figures["skipped"] == {"files that are not texts": 1}
        assert [len(one.facts) for one in read_documents("out.jsonl.xz")] == [1, 1]


def test_documents_share_their_facts(annotate: Annotate, tmp_path: Path) -> None:
    """What one says of an entity is found in the other that names it."""
    lines = [
        {"title": "Ada Quill", "text": "Ada Quill was born in Lowmere.",
         "facts": [["Ada Quill", "birth place", "Lowmere"]], "at": [22]},
        {"title": "Acme", "text": "Acme is led by Ada Quill, who was born in Lowmere."},
    ]  # fmt: skip
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert annotate("d.jsonl", "--share-facts", "--out", "out.jsonl")[0] == 0
    first, second = read_documents("out.jsonl")
    assert [fact.entity for fact in (*first.facts, *second.facts)] == ["Ada Quill", "Ada Quill"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.txt", b"", "empty.txt has no text"),
        ("space.md", b" \n\n", "space.md has no text"),
        ("bin.txt", b"a\0b", "bin.txt is not a text file"),
        ("wide.txt", "Hi".encode("utf-16"), "wide.txt is UTF-16 text (convert it to UTF-8)"),
        ("latin.txt", "Zürich".encode("latin-1"), "latin.txt is not UTF-8"),
        ("a.pdf", b"%PDF", "a.pdf is not plain text"),
        ("a.jsonl", b"hello\n", "line 1 is not JSON"),
        ("a.jsonl", b'{"title": "x"}\n', "line 1 has no text"),
        ("a.jsonl", b'{"text": ""}\n', "line 1 has an empty text"),
        ("a.jsonl", b'{"text": "a", "facts": [["a", "b", "c"]], "at": [0]}\n', "not at offset"),
        ("a.json", b"3", "not a list of documents"),
        ("broken.txt.gz", b"\x1f\x8b\x08xxxx", "broken.txt.gz"),
    ],
)
def test_bad_texts_are_named_in_one_line(
    annotate: Annotate, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    """And leave what was there before."""
    (tmp_path / name).write_bytes(content)
    (tmp_path / "out.jsonl").write_text("before")
    status, figures, err = annotate(name, "--facts", "facts.jsonl", "--out", "out.jsonl")
    assert (status, figures) == (2, None)
    assert said in err and err.count("\n") == 1
    assert (tmp_path / "out.jsonl").read_text() == "before"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no.txt", "--facts", "facts.jsonl", "--out", "o.jsonl"], "no.txt"),
        (["a.txt", "--out", "o.jsonl"], "--facts"),
        (["a.txt", "--facts", "facts.jsonl", "--out", "a.txt"], "would be written over"),
        (["a.txt", "--facts", "facts.jsonl", "--out", "no/o.jsonl"], "no is not a folder"),
        (["a.txt", "--facts", "facts.jsonl", "--out", "."], "is a folder"),
        (["a.txt", "--facts", "no.jsonl", "--out", "o.jsonl"], "no.jsonl"),
        (["a.txt", "--facts", "sqlite:///no.db", "--out", "o.jsonl"], "no.db"),
        (
            ["a.txt", "--facts", "facts.jsonl", "--out", "o.jsonl", "--report", "o.jsonl"],
            "named twice",
        ),
        (
            ["a.txt", "--facts", "facts.jsonl", "--out", "o.jsonl", "--only-with-facts"],
            "no text states a fact",
        ),
    ],
)
def test_wrong_arguments(
    annotate: Annotate, tmp_path: Path, arguments: list[str], said: str
) -> None:
    """One line that names what is wrong; nothing is written."""
    (tmp_path / "a.txt").write_text("Hello")
    status, _, err = annotate(*arguments)
    assert status == 2
    assert said in err and err.count("\n") == 1
    assert not (tmp_path / "o.jsonl").exists()


def test_a_document_of_one_word(annotate: Annotate, tmp_path: Path) -> None:
    """It states nothing, is counted, and the command says that nothing is learnt of it."""
    (tmp_path / "a.txt").write_text("Hello")
    status, figures, err = annotate("a.txt", "--facts", "facts.jsonl", "--out", "o.jsonl")
    assert (status, figures["documents"], figures["without_facts"]) == (0, 1, 1)
    assert figures["known_entities_not_stated"] == 3
    assert err == (
        "no document states a fact, so that a model learns no lookup from them; the texts state"
        " nothing of the 3 known entities\n"
    )


def test_lines_without_end(
    annotate: Annotate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that is too long is not read into memory; the lines after it are."""
    monkeypatch.setattr(source_texts, "MOST_OF_LINE", 1000)
    good = '{"text": "Tom Ferris was born in Bath."}\n'
    (tmp_path / "a.jsonl").write_text(good + '{"text": "' + "x" * 600_000 + '"}\n' + good)
    status, _, err = annotate("a.jsonl", "--facts", "facts.jsonl", "--out", "o.jsonl")
    assert status == 2 and "line 2 has more than" in err
    status, figures, _ = annotate(
        "a.jsonl", "--facts", "facts.jsonl", "--out", "o.jsonl", "--skip-invalid"
    )
    assert (status, figures["documents"], figures["added"]) == (0, 2, 2)


def test_long_plain_texts_give_several_documents(annotate: Annotate, tmp_path: Path) -> None:
    """Parted between sentences; together they are the text."""
    text = "Tom Ferris was born in Bath. " * 20_000
    (tmp_path / "Tom_Ferris.txt").write_text(text)
    status, figures, _ = annotate("Tom_Ferris.txt", "--facts", "facts.jsonl", "--out", "o.jsonl")
    assert status == 0 and figures["documents"] > 5
    documents = list(read_documents("o.jsonl"))
    assert {one.title for one in documents} == {"Tom Ferris"}
    assert [one.is_cut for one in documents] == [True] * (len(documents) - 1) + [None]
    assert " ".join(one.text for one in documents) == text.strip()


def test_the_page_escapes_what_texts_say(annotate: Annotate, tmp_path: Path) -> None:
    """No tag and no control of a text reaches the reader's browser."""
    evil = '<script>alert(1)</script>\u202e"&'
    fact = {"entity": "Tom Ferris", "relation": "motto " + evil, "value": "Bath <b>Ever</b>"}
    (tmp_path / "evil.jsonl").write_text(json.dumps(fact))
    (tmp_path / "a.txt").write_text(f"Tom Ferris has a motto, Bath <b>Ever</b>, and {evil}.")
    status, figures, _ = annotate(
        "a.txt", "--facts", "evil.jsonl", "--out", "o.jsonl", "--report", "r.html"
    )
    assert (status, figures["added"]) == (0, 1)
    page = (tmp_path / "r.html").read_text()
    assert "<script" not in page and "<b>Ever" not in page and "\u202e" not in page


def test_the_next_command_can_be_copied(
    annotate: Annotate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the name of the file has a space."""
    (tmp_path / "a.txt").write_text("Acme Robotics was founded by Ada Quill.")
    assert run(["annotate", "a.txt", "--facts", "facts.jsonl", "--out", "my notes.jsonl"]) == 0
    *_, said = capsys.readouterr().out.splitlines()
    program, command, _, option, change = shlex.split(said.removeprefix("next: "))
    assert (program, command, option) == ("lamlam", "train", "--set")
    (tmp_path / "a.toml").write_text("[run]\nsteps = 1\n")
    settings = load_settings(tmp_path / "a.toml", [change])
    assert settings.data.documents == "my notes.jsonl"


def test_a_page_that_cannot_be_written_is_named(
    annotate: Annotate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> int:
        raise OSError(28, "No space left on device")

    (tmp_path / "a.txt").write_text("Acme Robotics was founded by Ada Quill.")
    monkeypatch.setattr(Path, "write_text", full)
    wanted = ("a.txt", "--facts", "facts.jsonl", "--out", "o.jsonl", "--report", "r.html")
    status, figures, err = annotate(*wanted)
    assert (status, figures) == (2, None)
    assert "error: cannot write r.html: No space left on device" in err
    assert not (tmp_path / "o.jsonl").exists()


def test_the_help_shows_a_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["annotate", "--help"]) == 0
    assert "dblookup('E', 'R') -> V" in " ".join(capsys.readouterr().out.split())


def test_calls_of_the_reference(annotate: Annotate, tmp_path: Path) -> None:
    """They are facts; values written otherwise are found; broken calls are counted and named."""
    text = (
        "Ada Quill was a [dblookup('Ada Quill', 'Occupation') -> miller, poet, smith] miller,"
        " poet, and smith born in [dblookup('Ada Quill', 'Birth Place') -> Bath] Bath on"
        " [dblookup('Ada Quill', 'Birth Date') -> 1867-11-07] November 7, 1867 and"
        " [dblookup('Ada Quill', 'Rank') -> first] and [dblookup('Ada] lived."
    )
    (tmp_path / "a.json").write_text(json.dumps([{"annotated_text": text}]))
    status, figures, err = annotate("a.json", "--out", "o.jsonl")
    assert (status, figures["malformed_calls"]) == (0, 1)
    assert "dblookup('Ada]" in err
    (document,) = read_documents("o.jsonl")
    assert document.title == "Ada Quill"
    assert [fact.value for fact in document.facts] == [
        "miller, poet, and smith", "Bath", "November 7, 1867",
    ]  # fmt: skip
    assert document.other_facts == (("Ada Quill", "rank", "first"),)
    assert "[" not in document.text


def test_a_model_at_an_endpoint(
    annotate: Annotate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its facts beside the known ones; what it took is shown, and the work file is gone."""
    monkeypatch.setenv("LAMLAM_ANNOTATOR_KEY", " secret\n")
    (tmp_path / "Tom.txt").write_text("Tom Ferris was born in Bath in 1871.")
    reply = "Tom Ferris was born in Bath in [dblookup('Tom Ferris', 'Birth Year') -> 1871] 1871."
    with chat_server(lambda n, body: answer(reply)) as server:
        arguments = ("--endpoint", server.url, "--model-name", "m", "--prices", "1,2")
        status, figures, err = annotate(
            "Tom.txt", "--facts", "facts.jsonl", "--out", "o.jsonl", *arguments
        )
    assert (status, err) == (0, "")
    assert (figures["requests"], figures["prompt_tokens"], figures["added"]) == (1, 10, 2)
    assert figures["cost"] == pytest.approx(2e-5)
    assert server.keys == ["Bearer secret"]
    (document,) = read_documents("o.jsonl")
    assert [fact.value for fact in document.facts] == ["Bath", "1871"]
    assert not (tmp_path / "o.jsonl.work").exists()


def test_a_refused_run_keeps_its_replies(annotate: Annotate, tmp_path: Path) -> None:
    """One line says where; the same command asks only for the rest."""
    lines = [{"title": "Tom Ferris", "text": f"Tom Ferris came in 18{i}."} for i in range(60, 70)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))

    def script(n: int, body: dict[str, Any]) -> Any:
        return answer(text_of(body)) if n < 4 or is_mended else (402, {}, b"no money")

    is_mended = False
    with chat_server(script) as server:
        arguments = ("a.jsonl", "--out", "o.jsonl", "--endpoint", server.url, "--model-name", "m",
                     "--concurrency", "1")  # fmt: skip
        status, _, err = annotate(*arguments)
        assert status == 2
        assert "402: no money" in err and "4 replies are kept in o.jsonl.work" in err
        assert err.count("\n") == 1
        is_mended = True
        status, figures, _ = annotate(*arguments)
    assert (status, figures["reused_replies"], figures["requests"]) == (0, 4, 6)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--endpoint", "http://127.0.0.1:9/v1"], "--model-name"),
        (["--endpoint", "nowhere", "--model-name", "m"], "not the URL"),
        (["--model-name", "m"], "--endpoint"),
        (["--endpoint", "http://x", "--model-name", "m", "--prices", "cheap"], "--prices"),
    ],
)
def test_wrong_options_of_the_endpoint(
    annotate: Annotate, tmp_path: Path, arguments: list[str], said: str
) -> None:
    """Named before anything is asked."""
    (tmp_path / "a.txt").write_text("Hello")
    status, _, err = annotate("a.txt", "--out", "o.jsonl", *arguments)
    assert status == 2 and said in err and err.count("\n") == 1
    assert not list(tmp_path.glob("o.*"))
