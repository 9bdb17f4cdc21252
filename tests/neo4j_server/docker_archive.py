"""An image of one layer, as ``docker load`` and ``podman load`` read it.

Files with the same names and contents give the same bytes, and so the same id of the image:
entries are sorted, and have neither an owner nor a time of their own.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20
_LAYER = "layer.tar"


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file or folder in an image."""

    path: str
    """From the root, without a slash at its start."""
    content: Path | bytes | None = None
    """Where it is on this machine, or what is in it; ``None`` is a folder."""
    mode: int = 0o755
    owner: int = 0


def digest(files: Iterable[ImageFile], config: Mapping[str, Any]) -> str:
    """Return a hash of all that goes into an image."""
    total = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for file in sorted(files, key=lambda one: one.path):
        total.update(f"\n{file.path}\0{file.mode}\0{file.owner}\0".encode())
        if isinstance(file.content, Path):
            with file.content.open("rb") as opened:
                total.update(hashlib.file_digest(opened, "sha256").digest())
        elif file.content is not None:
            total.update(hashlib.sha256(file.content).digest())
    return total.hexdigest()


def write_archive(
    target: Path, files: Iterable[ImageFile], config: Mapping[str, Any], tags: Iterable[str]
) -> str:
    """Write the archive of an image; return the image's id.

    Args:
        target: the file to write; a file beside it holds the layer meanwhile.
        files: what is in the image.
        config: ``config`` of the image: ``Cmd``, ``Env``, ``ExposedPorts``, …
        tags: ``name:tag``, under which the image will be known.
    """
    layer = target.with_name(f"{target.name}.layer")
    try:
        _write_layer(layer, files)
        with layer.open("rb") as opened:
            layer_digest = hashlib.file_digest(opened, "sha256").hexdigest()
        described = {
            "architecture": _architecture(),
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
            "history": [{"created": "1970-01-01T00:00:00Z"}],
        }
        image = json.dumps(described, sort_keys=True).encode()
        image_id = hashlib.sha256(image).hexdigest()
        manifest = [
            {"Config": f"{image_id}.json", "RepoTags": sorted(tags), "Layers": [_LAYER]},
        ]
        with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
            _add_bytes(archive, "manifest.json", json.dumps(manifest, sort_keys=True).encode())
            _add_bytes(archive, f"{image_id}.json", image)
            entry = tarfile.TarInfo(_LAYER)
            entry.size = layer.stat().st_size
            with layer.open("rb") as opened:
                archive.addfile(entry, opened)
    finally:
        layer.unlink(missing_ok=True)
    return f"sha256:{image_id}"


def _write_layer(layer: Path, files: Iterable[ImageFile]) -> None:
    with tarfile.open(layer, "w", format=tarfile.GNU_FORMAT) as archive:
        for file in sorted(files, key=lambda one: one.path):
            entry = tarfile.TarInfo(file.path)
            entry.mode, entry.uid, entry.gid = file.mode, file.owner, file.owner
            if file.content is None:
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            elif isinstance(file.content, bytes):
                entry.size = len(file.content)
                archive.addfile(entry, io.BytesIO(file.content))
            else:
                entry.size = file.content.stat().st_size
                with file.content.open("rb") as opened:
                    archive.addfile(entry, opened)


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _architecture() -> str:
    """Return the name that engines use for this machine's processor."""
    import platform

    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
