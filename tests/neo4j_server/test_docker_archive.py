"""Archives of images: the same files give the same bytes, and an engine finds all in them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

from tests.neo4j_server.container_image import written_as_variable
from tests.neo4j_server.docker_archive import ImageFile, digest, write_archive

_CONFIG = {"Cmd": ["/start.sh"], "ExposedPorts": {"7687/tcp": {}}}


def _files(folder: Path, text: str = "echo\n") -> list[ImageFile]:
    folder.mkdir()
    script = folder / "script"
    script.write_text(text, encoding="utf-8")
    return [
        ImageFile("start.sh", script),
        ImageFile("etc/passwd", b"root:x:0:0::/:/bin/sh\n", 0o644),
        ImageFile("data", owner=7474),
        ImageFile("etc"),
    ]


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    """Whatever their order, their times and their owners here."""
    first, second = _files(tmp_path / "a"), _files(tmp_path / "b")
    os.utime(tmp_path / "b" / "script", (1, 1))
    (tmp_path / "b" / "script").chmod(0o600)
    second.reverse()
    assert digest(first, _CONFIG) == digest(second, _CONFIG)
    ids = [
        write_archive(tmp_path / name, files, _CONFIG, ["x:1"])
        for name, files in (("1.tar", first), ("2.tar", second))
    ]
    assert ids[0] == ids[1]
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.tar", "2.tar", "a", "b"]


def test_another_file_or_setting_is_another_image(tmp_path: Path) -> None:
    """A byte, a mode, an owner, a name or a command more is another key and another id."""
    files = _files(tmp_path / "a")
    others = [
        (_files(tmp_path / "b", "echo!\n"), _CONFIG),
        ([*files[:-1], ImageFile("etc", mode=0o700)], _CONFIG),
        ([*files[:-1], ImageFile("etc", owner=1)], _CONFIG),
        ([*files[:-1], ImageFile("opt")], _CONFIG),
        (files, {**_CONFIG, "Cmd": ["/other.sh"]}),
    ]
    keys = {digest(files, _CONFIG), *(digest(*other) for other in others)}
    assert len(keys) == 1 + len(others)
    ids = {write_archive(tmp_path / "x", *one, ["x:1"]) for one in [(files, _CONFIG), *others]}
    assert len(ids) == 1 + len(others)


def test_an_archive_is_what_engines_load(tmp_path: Path) -> None:
    """Its manifest names config and layer, whose hashes are those of the contents."""
    ident = write_archive(tmp_path / "x", _files(tmp_path / "a"), _CONFIG, ["b:1", "a:1"])
    with tarfile.open(tmp_path / "x") as archive:
        (manifest,) = json.loads(_read(archive, "manifest.json"))
        config = _read(archive, manifest["Config"])
        (layer,) = [_read(archive, name) for name in manifest["Layers"]]
    assert manifest["RepoTags"] == ["a:1", "b:1"]
    assert f"sha256:{hashlib.sha256(config).hexdigest()}" == ident
    described = json.loads(config)
    assert described["config"] == _CONFIG
    assert described["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as inside:
        entries = {one.name: (one.isdir(), one.mode, one.uid, one.mtime) for one in inside}
    assert entries == {
        "data": (True, 0o755, 7474, 0),
        "etc": (True, 0o755, 0, 0),
        "etc/passwd": (False, 0o644, 0, 0),
        "start.sh": (False, 0o755, 0, 0),
    }


def test_settings_are_written_as_images_take_them() -> None:
    """A dot is one underscore, an underscore two."""
    assert written_as_variable("db.query.default_language") == "NEO4J_db_query_default__language"


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()
