"""Facts as resources: what is written is read, searched, found in the history, and erased."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.access_keys import AccessKeys
from lamlam.memory_backends.model.erasure_receipts import MOST_MENTIONS
from tests.serving.conftest import Running, running

BORN = {"entity": "Ada Quill", "relation": "birth place", "value": "Lowmere", "source": "a letter"}


def test_the_life_of_a_fact(facts_server: Running) -> None:
    client = facts_server.client()
    made = client.post("/facts", json=BORN)
    assert made.status_code == 201
    fact = made.json()["fact"]
    assert client.get(made.headers["location"]).json() == fact
    assert fact["sources"] == ["a letter"] and fact["revision"] == made.json()["revision"]
    found = client.get("/facts", params={"entity": "ada quill", "relation": "birthplace"})
    assert found.json() == {"facts": [fact], "complete": True}
    assert client.get("/facts/search", params={"text": "Low"}).json()["facts"] == [fact]
    moved = client.post("/facts", json={**BORN, "value": "Highmere", "replace": True}).json()
    assert [one["value"] for one in moved["ended"]] == ["Lowmere"]
    (past,) = client.get("/facts/history", params={"entity": "Ada Quill"}).json()["past"]
    assert past["fact"]["value"] == "Lowmere" and past["asserted_at"] is not None
    ended = client.post("/facts/retract", json={"entity": "Ada Quill", "relation": "birth place"})
    assert [one["value"] for one in ended.json()["ended"]] == ["Highmere"]
    receipt = client.delete("/facts", params={"entity": "Ada Quill", "reason": "asked"}).json()
    assert receipt["facts"] == 2 and receipt["verified"] and receipt["reason"] == "asked"
    assert "bytes searched, none left" in receipt["summary"]
    assert client.get(f"/facts/{fact['id']}").status_code == 404
    assert client.get("/facts/history", params={"entity": "Ada Quill"}).json() == {"past": []}


def test_one_fact_is_erased_by_its_id(facts_server: Running) -> None:
    """The others of the relation stay."""
    client = facts_server.client()
    first = client.post("/facts", json={**BORN, "entity": "Bob Ferris"}).json()["fact"]
    client.post("/facts", json={**BORN, "entity": "Bob Ferris", "value": "Highmere"})
    assert client.delete(f"/facts/{first['id']}").json()["facts"] == 1
    assert client.get(f"/facts/{first['id']}").status_code == 404
    assert client.delete(f"/facts/{first['id']}").status_code == 404
    left = client.get("/facts", params={"entity": "Bob Ferris"}).json()["facts"]
    assert [one["value"] for one in left] == ["Highmere"]


def test_a_change_is_made_once(facts_server: Running) -> None:
    """However often it is sent with the same key."""
    client = facts_server.client()
    fact = {**BORN, "entity": "Cleo Marsh"}
    headers = {"Idempotency-Key": "one"}
    first = client.post("/facts", json=fact, headers=headers).json()
    client.post("/facts", json={**fact, "value": "Highmere", "replace": True})
    again = client.post("/facts", json=fact, headers=headers)
    assert again.json()["revision"] == first["revision"]
    held = client.get("/facts", params={"entity": "Cleo Marsh"}).json()["facts"]
    assert [one["value"] for one in held] == ["Highmere"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"entity": ""}, 400),
        ({"entity": "a\u202eb"}, 400),
        ({"value": "<|db_entity|>"}, 400),
        ({"type": "integer"}, 400),
        ({"valid_from": "2020", "valid_to": "2019"}, 409),
        ({"colour": "red"}, 400),
        ({"confidence": 2}, 400),
    ],
)
def test_facts_that_cannot_be(
    facts_server: Running, change: dict[str, object], status: int
) -> None:
    answer = facts_server.client().post("/facts", json={**BORN, **change})
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_each_key_has_its_namespace(tmp_path: Path, tiny_model: Path) -> None:
    """What one user writes no other one reads; what is shared both read, and neither changes."""
    keys = AccessKeys(tmp_path / "keys.json")
    everything = ["read", "write", "forget"]
    seven = keys.new("seven", namespace=("users", "7"), rights=everything)
    eight = keys.new("eight", namespace=("users", "8"), rights=everything)
    common = keys.new("common", rights=everything)
    all_users = keys.new("all", namespace=("users",), below=True, rights=everything)
    url = f"sqlite:///{tmp_path}/facts.db"
    with running(tiny_model, url, keys=keys, name="tiny") as server:
        shared = server.client(common).post("/facts", json={**BORN, "entity": "Lowmere"}).json()
        mine = server.client(seven).post("/facts", json=BORN).json()["fact"]
        assert mine["namespace"] == "users/7"
        ask = {"entity": "Ada Quill"}
        assert len(server.client(seven).get("/facts", params=ask).json()["facts"]) == 1
        assert server.client(eight).get("/facts", params=ask).json()["facts"] == []
        assert server.client(eight).get(f"/facts/{mine['id']}").status_code == 404
        assert server.client(eight).delete("/facts", params=ask).json()["facts"] == 0
        below = {**ask, "namespace": "users/7"}
        assert len(server.client(all_users).get("/facts", params=below).json()["facts"]) == 1
        for key in (seven, eight):
            assert server.client(key).get(f"/facts/{shared['fact']['id']}").status_code == 200
            assert server.client(key).delete(f"/facts/{shared['fact']['id']}").status_code == 403
        history = server.client(seven).post(
            "/facts", json={**BORN, "value": "Highmere", "replace": True}
        )
        assert history.json()["ended"][0]["id"] == mine["id"]
        (past,) = server.client(seven).get("/facts/history", params=ask).json()["past"]
        assert past["retracted_by"] == "seven"


def test_erasing_what_is_not_there(facts_server: Running) -> None:
    """By name the receipt says so, and again; a fact of an unknown id does not exist."""
    http = facts_server.client()
    for _ in range(2):
        answer = http.delete("/facts", params={"entity": "Nobody Quill"})
        assert answer.status_code == 200
        assert answer.json()["facts"] == 0 and "0 facts erased" in answer.json()["summary"]
    assert http.delete("/facts/00000000000000000000").status_code == 404


def test_what_a_client_learns_of_others(tmp_path: Path, tiny_model: Path) -> None:
    """Receipts name no actor of other namespaces and count none of their facts, and a key that may
    not read is told nothing of what memory held."""
    keys = AccessKeys(tmp_path / "keys.json")
    mine, rights = ("users", "7"), ("write", "forget")
    own, blind = keys.new("seven", namespace=mine, rights=("read", *rights)), keys.new(
        "sensor", namespace=mine, rights=rights
    )  # fmt: skip
    other = keys.new("tablet of Ada Quill", namespace=("users", "8"))
    ada = {"entity": "Ada Quill", "relation": "birth place"}
    with running(tiny_model, f"sqlite:///{tmp_path}/facts.db", keys=keys, name="tiny") as server:
        http = server.client(other)
        for number in range(3):
            http.post(
                "/facts", json={"entity": "Bob", "relation": f"r{number}", "value": "Ada Quill"}
            )
        http = server.client(own)
        for number in range(MOST_MENTIONS + 1):
            http.post(
                "/facts", json={"entity": f"E{number}", "relation": "r", "value": "Ada Quill"}
            )
        http.post("/facts", json={**ada, "value": "Lowmere"})
        erased = http.delete("/facts", params={"entity": "Ada Quill"}).json()
        assert {one["namespace"] for one in erased["mentions"]} == {"users/7"}
        assert {one["where"] for one in erased["mentions"]} == {"value"}
        assert (len(erased["mentions"]), erased["n_mentions"]) == (MOST_MENTIONS, MOST_MENTIONS + 1)
        assert "tablet" not in str(erased)
        http.post("/facts", json={**ada, "value": "Lowmere"})
        http = server.client(blind)
        replaced = {**ada, "value": "Highmere", "replace": True}
        assert "Lowmere" not in http.post("/facts", json=replaced).text
        assert http.post("/facts/retract", json=ada).json()["ended"] == []
        assert http.delete("/facts", params={"entity": "Ada Quill"}).json()["mentions"] == []
