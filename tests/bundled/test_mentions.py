"""Which of several pages a bare name means is told by what other texts name beside it."""

from __future__ import annotations

from lamlam.bundled.corpus_facts import FILMS
from lamlam.bundled.mentions import count_mentions
from lamlam.trainer.documents import Document, StatedFact


def film(title: str, director: str) -> Document:
    text = f"It was directed by {director}."
    return Document(
        title, text, (StatedFact(title, "Director", director, text.find(director)),), source=FILMS
    )


def test_the_film_that_others_mean_has_the_bare_name() -> None:
    first, second = (
        film("Lowmere (1960 film)", "Ada Quill"),
        film("Lowmere (1998 film)", "Bob Ferris"),
    )
    talk = [Document(f"Page {n}", "Ada Quill made Lowmere.", ()) for n in range(4)]
    talk.append(Document("Page 5", "Bob Ferris made Lowmere again.", ()))
    found = count_mentions([first, second, *talk])
    assert found.best == {"Lowmere": "Lowmere (1960 film)"}
    assert found.of(first) == 4 and found.of(second) == 1
    assert not found.is_better_known(second)  # its name has a qualifier of its own


def test_pages_that_nobody_tells_apart_share_the_mentions() -> None:
    pages = [film("Lowmere (1960 film)", "Ada Quill"), film("Lowmere", "Bob Ferris")]
    found = count_mentions([*pages, Document("Page", "We saw Lowmere.", ())])
    assert not found.best
    assert [found.of(page) for page in pages] == [0.5, 0.5]


def test_a_page_with_the_bare_name_of_a_better_known_one_loses_it() -> None:
    song, known = film("Lowmere", "Cora Vale"), film("Lowmere (1960 film)", "Ada Quill")
    talk = [Document(f"Page {n}", "Ada Quill made Lowmere.", ()) for n in range(4)]
    found = count_mentions([song, known, *talk])
    assert found.is_better_known(song) and not found.is_better_known(known)


def test_an_initial_mentions_a_full_name() -> None:
    page = Document("Ada Maria Quill", "She wrote.", ())
    found = count_mentions([page, Document("Page", "We met Ada M. Quill there.", ())])
    assert found.of(page) == 1
    assert not found.forms
    talk = [Document(f"Page {n}", "We met Ada M. Quill there.", ()) for n in range(4)]
    assert count_mentions([page, *talk]).forms == {"Ada M. Quill": "Ada Maria Quill"}
