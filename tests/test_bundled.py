"""The bundled model and facts do what the README promises of them."""

from __future__ import annotations

import lzma
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import lamlam
import lamlam.bundled as bundled
from lamlam.errors import StoreMissing, Unavailable
from tests.full_disk import largest_file


def test_the_files_are_as_small_and_as_many_as_promised() -> None:
    assert bundled.model_path().stat().st_size <= 22_000_000
    assert Path(str(bundled.__file__)).with_name("facts.sqlite.xz").stat().st_size <= 3_000_000
    with lamlam.SyncFactStore("bundled") as store:
        assert store.info().facts >= 100_000
        result = store.lookup("Elvis Presley", "place of birth")
    assert result.value == "Tupelo, Mississippi"
    assert result.sources == ("Wikipedia: Elvis Presley",)


def test_facts_are_unpacked_once_into_the_cache_folder(tmp_path: Path) -> None:
    path = bundled.facts_path()
    assert path.parent == tmp_path / "lamlam-home" / "cache"
    stamp = path.stat().st_mtime_ns
    assert bundled.facts_path() == path and path.stat().st_mtime_ns == stamp
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_home_that_cannot_be_written_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LAMLAM_HOME", str(tmp_path / "file"))
    assert bundled.facts_path().is_file()


def test_a_damaged_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "_folder", lambda: tmp_path)
    with pytest.raises(StoreMissing, match="no bundled facts"):
        bundled.facts_path()
    (tmp_path / "facts.sqlite.xz").write_bytes(lzma.compress(b"x" * 1000)[:40])
    with pytest.raises(StoreMissing, match="damaged"):
        bundled.facts_path()
    assert not list((tmp_path / "lamlam-home" / "cache").iterdir())


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What a small package has as its facts."""
    header = bytes(16) + (1024).to_bytes(2) + bytes(10) + (10).to_bytes(4)  # ten pages
    content = header + (bytes(range(256)) * 40)[len(header) :]
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "facts.sqlite.xz").write_bytes(lzma.compress(content))
    monkeypatch.setattr(bundled, "_folder", lambda: tmp_path / "package")
    monkeypatch.setattr(bundled, "_process_folder", lambda: str(tmp_path / "temporary"))
    return content


def _make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _make_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:5000]), id="cut off"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes() + b"x"), id="longer"),
        pytest.param(lambda path: path.write_bytes(b"x" + path.read_bytes()[1:]), id="other bytes"),
        pytest.param(lambda path: path.write_bytes(bytes(10_240)), id="zeros"),
        pytest.param(_make_fifo, id="named pipe"),
        pytest.param(_make_loop, id="link to itself"),
    ],
)
def test_a_damaged_cache_is_unpacked_again_and_said_once(
    damage: Callable[[Path], object], packed: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = bundled.facts_path()
    assert not caplog.records
    damage(path)
    assert bundled.facts_path().read_bytes() == packed
    assert bundled.facts_path() == path and path.read_bytes() == packed
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} was damaged: the facts are unpacked again"
    ]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def _keep_time(path: Path, content: bytes) -> None:
    stamp = path.stat().st_mtime_ns
    path.write_bytes(content)
    os.utime(path, ns=(stamp, stamp))


@pytest.mark.parametrize("length", [0, 20, 5000])
def test_a_cache_that_lost_its_content_alone_is_unpacked_again(
    length: int, packed: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """With its name and time as they were: a machine may stop before the content is on the disk."""
    path = bundled.facts_path()
    _keep_time(path, packed[:length])
    assert bundled.facts_path().read_bytes() == packed
    assert len(caplog.records) == 1


def test_a_cache_folder_that_cannot_be_is_not_called_damage(
    packed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LAMLAM_HOME", str(tmp_path / "file"))
    assert bundled.facts_path().read_bytes() == packed
    assert not caplog.records


def test_a_copied_cache_is_compared_once(
    packed: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It has another time, and what it holds is as it was."""
    path = bundled.facts_path()
    os.utime(path)
    inode = path.stat().st_ino
    assert bundled.facts_path() == path and path.stat().st_ino == inode
    monkeypatch.setattr(bundled, "_is_same", lambda *_: pytest.fail("compared again"))
    assert bundled.facts_path() == path and not caplog.records


def test_a_folder_in_the_place_of_the_cache_is_no_obstacle(packed: bytes) -> None:
    path = bundled.facts_path()
    path.unlink()
    path.mkdir()
    assert bundled.facts_path().read_bytes() == packed


def test_two_processes_may_unpack_at_once(packed: bytes) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: bundled.facts_path(), range(8)))
    assert len(set(paths)) == 1 and paths[0].read_bytes() == packed
    assert [p.name for p in paths[0].parent.iterdir()] == [paths[0].name]


def test_what_a_killed_process_left_is_removed(packed: bytes) -> None:
    """But not what another process may still write."""
    path = bundled.facts_path()
    path.unlink()
    left, being_written = (path.with_name(f"{path.name}.{n}.part") for n in "ab")
    for file in (left, being_written):
        file.write_bytes(packed[:100])
    os.utime(left, (1e9, 1e9))
    assert bundled.facts_path().read_bytes() == packed
    assert not left.exists() and being_written.exists()


def test_a_full_disk_is_named(packed: bytes) -> None:
    with largest_file(1000), pytest.raises(Unavailable, match="cannot be unpacked") as caught:
        bundled.facts_path()
    assert "LAMLAM_HOME" in (caught.value.hint or "")
    assert bundled.facts_path().read_bytes() == packed


def test_a_film_that_shares_its_name_with_a_town_is_written_about_as_a_film() -> None:
    """Memory holds no type of Casablanca, so the model asks for what a film has."""
    with lamlam.SyncEngine() as engine:
        completion = engine.generate("Casablanca is a", max_tokens=12)
    assert completion.lookups[0].relation == "release year"
    assert completion.text.startswith("Casablanca is a 1942")


def test_a_forgotten_fact_is_missed_and_not_replaced_by_another(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/facts.db"
    facts = {"birth place": "Lowmere", "birth date": "3 May 1871", "nationality": "Welsh"}
    with lamlam.SyncFactStore(url) as store:
        store.apply(
            [
                lamlam.Assert(lamlam.Fact(entity="Ada Quill", relation=relation, value=value))
                for relation, value in facts.items()
            ]
        )
        with lamlam.SyncEngine(memory=url) as engine:
            before = engine.generate("Ada Quill was born in", max_tokens=16)
            assert before.text.startswith("Ada Quill was born in Lowmere")
            assert store.erase("Ada Quill", "birth place").verified
            after = engine.generate("Ada Quill (born", max_tokens=16)
            assert after.text.startswith("Ada Quill (born 3 May 1871")
            gone = engine.generate("Ada Quill was born in", max_tokens=16)
    assert "Lowmere" not in gone.text
    assert gone.lookups[0].relation == "birth place" and gone.lookups[0].value is None


def test_a_value_does_not_grow_into_another_word(tmp_path: Path) -> None:
    """A letter behind a copied value would make another word of it: "KP" and "KPU"."""
    url = f"sqlite:///{tmp_path}/facts.db"
    codes = {"North Korea": "KP", "Mexico": "MX", "Netherlands": "NL", "Switzerland": "CH"}
    with lamlam.SyncFactStore(url) as store:
        store.apply(
            [
                lamlam.Assert(lamlam.Fact(entity=entity, relation="ISO Code", value=code))
                for entity, code in codes.items()
            ]
        )
    with lamlam.SyncEngine(memory=url) as engine:
        for entity, code in codes.items():
            done = engine.generate(f"The ISO code of {entity} is", max_tokens=12, ignore_eos=True)
            facts = [span for span in done.spans if span.origin == "fact"]
            assert [done.text[span.start : span.end] for span in facts[:1]] == [code]
            assert not any(done.text[span.end : span.end + 1].isalnum() for span in facts)


def test_a_value_does_not_grow_into_another_number(tmp_path: Path) -> None:
    """Neither at once nor behind a comma or a point: "6" and "6,700"."""
    url = f"sqlite:///{tmp_path}/facts.db"
    numbers = {"Carbon": "6", "Lowmere": "1,204", "Bath": "12", "Highmere": "7"}
    with lamlam.SyncFactStore(url) as store:
        store.apply(
            [
                lamlam.Assert(lamlam.Fact(entity=entity, relation=relation, value=number))
                for entity, number in numbers.items()
                for relation in ("atomic number", "population")
            ]
        )
    with lamlam.SyncEngine(memory=url) as engine:
        for entity, number in numbers.items():
            for prompt in (f"The atomic number of {entity} is", f"{entity} has a population of"):
                done = engine.generate(prompt, max_tokens=12, ignore_eos=True)
                span = next(span for span in done.spans if span.origin == "fact")
                assert done.text[span.start : span.end] == number
                behind = done.text[span.end : span.end + 2]
                assert not behind[:1].isalnum()
                assert not (behind[:1] in (",", ".") and behind[1:].isdigit()), done.text
