"""The Java installations of this machine, and the Neo4j releases that run on them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lamlam.errors import StoreMissing

_JVM_FOLDERS = ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines", "/opt/java")


class NoServer(StoreMissing):
    """No Neo4j server can be started here; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Jdk:
    """One Java development kit."""

    home: Path
    major: int

    @property
    def java(self) -> Path:
        """The program ``java``."""
        return self.home / "bin" / "java"


@dataclass(frozen=True, slots=True)
class Release:
    """A release of Neo4j, and the Java versions that its makers support."""

    version: str
    oldest_java: int
    newest_java: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What a new configuration of this release sets."""

    def fits(self, jdk: Jdk) -> bool:
        """Whether this release runs on that Java."""
        return self.oldest_java <= jdk.major <= (self.newest_java or jdk.major)

    @property
    def needs(self) -> str:
        """The Java versions, in words."""
        if self.newest_java is None:
            return f"Java {self.oldest_java} or later"
        return f"Java {self.oldest_java} to {self.newest_java}"


LTS = Release(os.environ.get("LAMLAM_TEST_NEO4J_LTS") or "5.26.31", 17, 21)
"""Another patch of it by ``LAMLAM_TEST_NEO4J_LTS``; `make soak` runs an older one."""
NEWEST = Release("2026.09.0", 21, settings={"db.query.default_language": "CYPHER_25"})
RELEASES = (LTS, NEWEST)


def find_jdks() -> list[Jdk]:
    """Every JDK found by ``JAVA_HOME``, ``PATH`` and the usual folders; the oldest Java first."""
    homes: list[Path] = []
    if named := os.environ.get("JAVA_HOME"):
        homes.append(Path(named))
    if java := shutil.which("java"):
        homes.append(Path(java).resolve().parent.parent)
    for folder in _JVM_FOLDERS:
        homes += sorted(Path(folder).glob("*"))
        homes += sorted(Path(folder).glob("*/Contents/Home"))
    found = {jdk.home: jdk for home in homes if (jdk := read_jdk(home.resolve()))}
    return sorted(found.values(), key=lambda jdk: jdk.major)


def read_jdk(home: Path) -> Jdk | None:
    """Return the JDK in a folder; ``None`` where there is none, or one without a compiler.

    A bare runtime does not do: the server is started from its source file.
    """
    try:
        release = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    version = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release, re.MULTILINE)
    if version is None or not (home / "bin" / "javac").exists():
        return None
    return Jdk(home, int(version[1]))


def jdk_for(release: Release, jdks: Iterable[Jdk]) -> Jdk:
    """Return the first JDK that runs a release.

    Raises:
        NoServer: none of them does.
    """
    have = list(jdks)
    for jdk in have:
        if release.fits(jdk):
            return jdk
    found = ", ".join(f"Java {jdk.major} in {jdk.home}" for jdk in have) or "no JDK"
    raise NoServer(
        f"Neo4j {release.version} needs {release.needs}; found: {found}. "
        "Install a JDK (Debian, Ubuntu: apt install default-jdk-headless) or set JAVA_HOME"
    )


def releases_here() -> list[Release]:
    """The releases that some JDK of this machine runs, the LTS first."""
    jdks = find_jdks()
    return [release for release in RELEASES if any(release.fits(jdk) for jdk in jdks)]
