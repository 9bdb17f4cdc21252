"""``lamlam facts about TEXT`` shows what memory holds about the names in a text, of one user."""

from __future__ import annotations

import json

import lamlam
from tests.conftest import Command

URL = "sqlite:///facts.db"


def fill(**facts: str) -> None:
    with lamlam.SyncFactStore(URL) as store:
        for whose, value in facts.items():
            namespace = () if whose == "all" else ("users", whose)
            fact = lamlam.Fact(
                entity="Ada Quill", relation="birth place", value=value, namespace=namespace
            )
            store.apply([lamlam.Assert(fact)])


def test_a_message_brings_facts_with_their_places_in_it(lamlam_command: Command) -> None:
    fill(all="Lowmere")
    done = lamlam_command("facts", "about", "i met ada quill's aunt", "--memory", URL, "--json")
    found = json.loads(done.stdout)
    assert [fact["surface"] for fact in found["facts"]] == ["Lowmere"]
    (name,) = found["names"]
    assert name["entity"] == "Ada Quill"
    assert "i met ada quill's aunt"[name["start"] : name["end"]] == name["text"]
    assert found["left_out"] == 0


def test_me_and_the_namespace_say_who_speaks(lamlam_command: Command) -> None:
    fill(all="Lowmere", seven="Highmere", eight="Midmere")
    asked = ("facts", "about", "Where was I born?", "--me", "Ada Quill", "--memory", URL)
    assert "Highmere" in lamlam_command(*asked, "--namespace", "users/seven").stdout
    shared = lamlam_command(*asked, "--namespace", "users/nine").stdout
    assert "Lowmere" in shared and "Midmere" not in shared
    alone = lamlam_command(*asked, "--namespace", "users/nine", "--no-shared")
    assert (alone.returncode, alone.stdout) == (1, "")


def test_what_the_limit_leaves_out_is_said(lamlam_command: Command) -> None:
    with lamlam.SyncFactStore(URL) as store:
        facts = [
            lamlam.Fact(entity="Ada Quill", relation=f"relation {n}", value=str(n))
            for n in range(5)
        ]
        store.apply([lamlam.Assert(fact) for fact in facts])
    done = lamlam_command("facts", "about", "Ada Quill", "--memory", URL, "--limit", "2")
    assert "3 more facts" in done.stderr


def test_nothing_known_is_said_in_a_line(lamlam_command: Command) -> None:
    fill(all="Lowmere")
    done = lamlam_command("facts", "about", "nobody here", "--memory", URL)
    assert done.returncode == 1
    assert done.stderr.startswith("memory holds nothing about the names in this text")
