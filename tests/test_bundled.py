"""The bundled model and facts do what the README promises of them."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

import lamlam
import lamlam.bundled as bundled
from lamlam.errors import StoreMissing


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
