"""Access keys: made once, kept as hashes, refused by name."""

from __future__ import annotations

import hashlib
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.access_keys import RIGHTS, Access, AccessKeys
from lamlam.access_keys import keys as keys_module
from lamlam.errors import (
    BadFact,
    BadKeyFile,
    KeyRefused,
    NamespaceRefused,
    RightMissing,
    UnknownOption,
)
from lamlam.memory_backends.model.clock import clock_at

MINE = ("users", "7")


@pytest.fixture
def keys(tmp_path: Path) -> AccessKeys:
    """Keys of a file that is not there yet."""
    return AccessKeys(tmp_path / "sub" / "keys.json")


def test_a_key_gives_what_it_was_made_with(keys: AccessKeys) -> None:
    """Namespace, what lies behind it, rights and name come back, also after a restart."""
    key = keys.new("laptop", namespace=MINE, shared_namespace=("team",), rights=["read"])
    for one in (keys, AccessKeys(keys.path)):
        access = one.access(key)
        assert (access.namespace, access.shared_namespace) == (MINE, ("team",))
        assert access.rights == {"read"}
        assert (access.name, access.below) == ("laptop", False)


def test_the_file_has_no_key(keys: AccessKeys) -> None:
    """Only the hash is kept, in a file of its owner; the secret part alone is nowhere either."""
    key = keys.new("laptop")
    text = keys.path.read_text()
    assert key not in text and key.rpartition("_")[2] not in text
    assert hashlib.sha256(key.encode()).hexdigest() in text
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600


def test_no_two_keys_are_the_same(keys: AccessKeys) -> None:
    """Each has a secret of its own, long enough that nobody guesses it."""
    made = {keys.new(f"key {number}") for number in range(20)}
    assert len(made) == 20
    assert all(len(key.split("_", 2)[2]) >= 43 for key in made)


@pytest.mark.parametrize(
    "wrong", ["x", "lamlam_", "lamlam__", "lamlam_0000000000_x", "ключ", "\ud800", "k" * 10**6]
)
def test_a_wrong_key_is_refused(keys: AccessKeys, wrong: str) -> None:
    """Whatever is sent, and the error repeats none of it."""
    keys.new("laptop")
    with pytest.raises(KeyRefused, match="unknown or revoked") as caught:
        keys.access(wrong)
    assert len(wrong) < 4 or wrong not in str(caught.value)


@given(st.data())
def test_a_changed_key_is_refused(data: st.DataObject) -> None:
    """One other character anywhere, or one more or less, is another key."""
    keys, key, _ = _one_key()
    place = data.draw(st.integers(0, len(key) - 1))
    other = data.draw(st.characters(codec="ascii", exclude_characters=key[place]))
    for changed in (
        key[:place] + other + key[place + 1 :],
        key[:place] + key[place + 1 :],
        key + other,
    ):
        with pytest.raises(KeyRefused):
            keys.access(changed)


@pytest.mark.parametrize("missing", [None, ""])
def test_a_missing_key_is_refused(keys: AccessKeys, missing: str | None) -> None:
    """It says how a key is sent."""
    with pytest.raises(KeyRefused, match="an access key is needed") as caught:
        keys.access(missing)
    assert "Authorization: Bearer" in str(caught.value.hint)


def test_comparing_takes_the_same_way_for_every_key(
    keys: AccessKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right, wrong and unknown keys: one comparison each, of whole hashes."""
    key = keys.new("laptop")
    compared: list[tuple[str, str]] = []

    class Watched:
        @staticmethod
        def compare_digest(a: str, b: str) -> bool:
            compared.append((a, b))
            return a == b

    monkeypatch.setattr(keys_module, "hmac", Watched)
    for sent in (key, key[:-1] + "~", "lamlam_0_x", "x"):
        try:
            keys.access(sent)
        except KeyRefused:
            pass
    assert len(compared) == 4
    assert len({sent for _, sent in compared}) == 4


def test_an_expired_key_is_refused(keys: AccessKeys) -> None:
    """From its moment on, and it says when that was."""
    end = datetime(2027, 5, 31, 12, tzinfo=UTC)
    key = keys.new("guest", expires=end)
    with clock_at(end - timedelta(microseconds=1)):
        assert keys.access(key).name == "guest"
    with clock_at(end), pytest.raises(KeyRefused, match=r"'guest' expired at 2027-05-31T12:00"):
        keys.access(key)


def test_a_running_server_learns_of_changes(keys: AccessKeys) -> None:
    """A key that another process made or revoked counts from the next request on."""
    server = AccessKeys(keys.path)
    with pytest.raises(KeyRefused):
        server.access("x")
    key = keys.new("laptop")
    assert server.access(key).name == "laptop"
    keys.revoke("laptop")
    with pytest.raises(KeyRefused):
        server.access(key)


def test_a_file_that_was_damaged_lets_nobody_in(keys: AccessKeys) -> None:
    """While it runs too: an old copy in memory is not used."""
    key = keys.new("laptop")
    keys.path.write_text("{")
    with pytest.raises(BadKeyFile, match="not JSON"):
        keys.access(key)
    keys.path.unlink()
    with pytest.raises(KeyRefused):
        keys.access(key)


def test_revoking_by_name_and_by_id(keys: AccessKeys) -> None:
    """The others stay."""
    for name in "abc":
        keys.new(name)
    b = next(one for one in keys.records() if one.name == "b")
    found = [keys.revoke(one) for one in ("a", b.id, "d")]
    assert [one and one.name for one in found] == ["a", "b", None]
    assert [one.name for one in keys.records()] == ["c"]


def test_two_commands_at_once_lose_nothing(keys: AccessKeys) -> None:
    """Sixteen that each read the file for themselves: all keys are there, and each works."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: AccessKeys(keys.path).new(f"n{n}"), range(16)))
    assert {keys.access(key).name for key in made} == {f"n{n}" for n in range(16)}
    left = {path.name for path in keys.path.parent.iterdir()}
    assert left == {"keys.json", ".keys.json.lock"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rights": ["all"]}, "'all' is not a right"),
        ({"rights": []}, "at least one right"),
        ({"name": ""}, "printable text"),
        ({"name": "a\nb"}, "printable text"),
        ({"name": "x" * 81}, "at most 80"),
        ({"namespace": ("a/b",)}, "namespace"),
        ({"namespace": ("",)}, "namespace"),
        ({"shared_namespace": "team"}, "namespace"),
    ],
)
def test_what_cannot_be_a_key(keys: AccessKeys, wrong: dict[str, Any], message: str) -> None:
    """It is refused by name, and no file is made."""
    options: dict[str, Any] = {"name": "laptop", **wrong}
    with pytest.raises((UnknownOption, BadFact), match=message):
        keys.new(**options)
    assert not keys.path.exists()


def test_a_name_is_used_once(keys: AccessKeys) -> None:
    """So that it can be revoked by it."""
    keys.new("laptop")
    with pytest.raises(UnknownOption, match="already"):
        keys.new("laptop")
    assert len(keys.records()) == 1


GOOD = {
    "id": "1", "name": "a", "hash": "sha256:0", "namespace": "", "rights": ["read"],
    "made": "2026-05-31T12:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("\xff\xfe{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "a list 'keys'"),
        ('{"keys": {}}', "a list 'keys'"),
        ('{"version": 2, "keys": []}', "version must be 1, got 2"),
        ([7], r"keys\[0\]: must be an object, got int"),
        ([GOOD, GOOD], "two keys have one id"),
        ([GOOD, GOOD | {"id": "2"}], "two keys have one name"),
        ([GOOD | {"right": ["read"]}], r"keys\[0\]: right is not a field"),
        ([GOOD | {"rights": "read"}], r"rights must be a list, got 'read'"),
        ([GOOD | {"rights": ["reed"]}], r"'reed' is not a right"),
        ([GOOD | {"rights": [["read"]]}], "is not a right"),
        ([GOOD | {"hash": "md5:0"}], "hash must begin with sha256:"),
        ([GOOD | {"hash": 7}], "hash must be a text, got 7"),
        ([GOOD | {"namespace": ["users", "7"]}], "namespace must be a text"),
        ([GOOD | {"namespace": "users//7"}], "namespace: each part"),
        ([GOOD | {"expires": "soon"}], "'soon' is not a moment"),
        ([GOOD | {"expires": 7}], "moment"),
        ([GOOD | {"expires": "-0044"}], "too early"),
        ([GOOD | {"below": "yes"}], "below must be true or false, got 'yes'"),
    ],
)
def test_what_is_not_a_file_of_keys(tmp_path: Path, text: Any, message: str) -> None:
    """The error names the file, the key by its place, and the field."""
    path = tmp_path / "keys.json"
    whole = text if isinstance(text, str) else json.dumps({"version": 1, "keys": text})
    path.write_text(whole, encoding="latin-1")
    with pytest.raises(BadKeyFile, match=message) as caught:
        AccessKeys(path)
    assert str(caught.value).startswith(str(path))


def test_a_folder_is_not_a_file_of_keys(tmp_path: Path) -> None:
    """Nor is a place that does not exist and cannot be made."""
    with pytest.raises(BadKeyFile):
        AccessKeys(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(BadKeyFile):
        AccessKeys(tmp_path / "file" / "keys.json").new("a")


def test_what_a_hand_left_out(tmp_path: Path) -> None:
    """Fields that may be missing have the safe default."""
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"version": 1, "keys": [GOOD]}))
    (record,) = AccessKeys(path).records()
    assert (record.below, record.expires, record.shared_namespace) == (False, None, None)


def test_rights() -> None:
    """Each right is asked for by itself, and the error says how to get it."""
    access = Access(rights=frozenset({"read", "forget"}), name="laptop")
    access.need("read", "forget")
    with pytest.raises(RightMissing, match="'laptop' does not have the right to write") as caught:
        access.need("read", "write")
    assert "--rights read,write,forget" in str(caught.value.hint)
    assert Access().rights == set(RIGHTS)


@given(
    st.lists(st.sampled_from("ab"), max_size=3).map(tuple),
    st.lists(st.sampled_from("ab"), max_size=3).map(tuple),
    st.booleans(),
)
def test_what_a_key_reaches(own: tuple[str, ...], wanted: tuple[str, ...], below: bool) -> None:
    """Its own namespace and, where it may, those that begin with it: nothing else."""
    access = Access(namespace=own, below=below)
    reached = {own}
    if below:
        reached |= {
            wanted[:n] for n in range(len(wanted) + 1) if list(own) == list(wanted[: len(own)])
        }
    try:
        place = access.place(wanted)
    except NamespaceRefused:
        assert wanted not in reached
    else:
        assert place == wanted and wanted in reached
    assert access.place(None) == own


def test_a_namespace_that_looks_alike_is_another() -> None:
    """ "users/70" does not begin with "users/7": parts are compared, not letters."""
    access = Access(namespace=MINE, below=True)
    assert access.place((*MINE, "trips")) == (*MINE, "trips")
    for other in (("users", "70"), ("users",), ()):
        with pytest.raises(NamespaceRefused, match="does not reach"):
            access.place(other)


def test_nothing_lies_behind_itself() -> None:
    """Where a request names the shared namespace, nothing else is read."""
    access = Access(namespace=(), shared_namespace=("team",), below=True)
    assert access.behind(access.place(("team",))) is None
    assert access.behind(access.place(("x",))) == ("team",)


@cache
def _one_key() -> tuple[AccessKeys, str, TemporaryDirectory[str]]:
    """Return keys, and one of them, in a folder that lasts as long as the tests."""
    folder = TemporaryDirectory()
    keys = AccessKeys(Path(folder.name) / "keys.json")
    return keys, keys.new("laptop"), folder
