"""What somebody may have meant: good typing errors are understood, far names are not offered."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.cli.app import run
from lamlam.errors import UnknownOption
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.near_names import near_names
from lamlam.runtime.decoding.option_checks import check_choice, check_names
from tests.memory_backends.stores import put

OPTIONS = (
    "context", "threads", "temperature", "max_tokens", "top_p", "min_p", "seed", "stop", "policy",
    "verbalise", "repeat_penalty", "namespace", "memory", "json", "source", "surface",
)  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("contxt", "context"), ("Context", "context"), ("temprature", "temperature"),
        ("max_token", "max_tokens"), ("max-tokens", "max_tokens"), ("max_new_tokens", "max_tokens"),
        ("topp", "top_p"), ("n_threads", "threads"), ("num_threads", "threads"),
        ("temp", "temperature"), ("polcy", "policy"), ("verbalize", "verbalise"),
        ("sorce", "source"), ("seeds", "seed"), ("stop_sequences", "stop"),
    ],
)  # fmt: skip
def test_a_slip_is_understood(wrong: str, meant: str) -> None:
    assert near_names(wrong, OPTIONS)[:1] == [meant]
    with pytest.raises(UnknownOption) as caught:
        check_names([wrong], OPTIONS)
    assert caught.value.hint in (f"did you mean {meant!r}?", f"write {meant}")


@pytest.mark.parametrize(
    "wrong", ["", "x", "n_ctx", "tempo", "device", "banana", "batch_size", "max", "no", "stream"]
)
def test_another_word_is_not_taken_for_a_slip(wrong: str) -> None:
    near = near_names(wrong, OPTIONS)
    assert near == (["max_tokens"] if wrong == "max" else [])


def test_a_far_choice_gets_the_list() -> None:
    with pytest.raises(UnknownOption) as caught:
        check_choice("policy", "zebra", ("stop", "raise"))
    assert caught.value.hint == "one of: raise, stop"


@pytest.mark.parametrize(
    ("arguments", "said", "unsaid"),
    [
        (["ask", "x", "--tempo", "1"], "--tempo", "--memory"),
        (["facts", "set", "a", "b", "c", "--sorce", "x"], "--source", "--surface"),
        (["facts", "gett", "x"], "'get'", "forget"),
        (["facts", "banana"], "banana", "mean"),
    ],
)
def test_the_command_offers_near_names_only(
    arguments: list[str], said: str, unsaid: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert said in error and unsaid not in error.replace("--help", "")


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("Albert Ainstain", []),  # "Albert Asher" is another man
        ("Marie Cury", ["Marie Curie"]),
        ("Norvay", []),  # a word that is alone may be a name itself, and far from this one
    ],
)
def test_a_wholly_other_name_is_no_candidate(asked: str, near: list[str], tmp_path: Path) -> None:
    with SyncFactStore(tmp_path / "facts.db") as store:
        names = ("Albert Asher", "Marie Curie", "Noelle")
        put(store, *((name, "job", "x") for name in names))
        assert [one.entity for one in store.lookup(asked, "job").candidates] == near


@pytest.mark.parametrize(
    ("asked", "near"),
    [("population", []), ("hieght", ["height"]), ("birth palce", []), ("favourite food", [])],
)
def test_a_wholly_other_relation_is_no_candidate(asked: str, near: list[str]) -> None:
    with SyncFactStore("memory:") as store:
        put(store, ("Ada", "occupation", "x"), ("Ada", "height", "2"), ("Ada", "footwear", "y"))
        found = store.lookup("Ada", asked)
        assert [one.relation for one in found.candidates] == near or found.values == ("2",)
