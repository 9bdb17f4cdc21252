"""The jars of a Neo4j release: fetched once by Maven, then kept.

``python -m tests.neo4j_server.jars`` fetches those of every release that runs here.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from tests.neo4j_server.jdks import Jdk, NoServer, Release, find_jdks, jdk_for, releases_here

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>lamlam</groupId><artifactId>neo4j-jars</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{version}</version>
  </dependency></dependencies>
</project>
"""
_FETCH_TIMEOUT_S = 600


def cache_folder() -> Path:
    """Where jars are kept between runs; ``LAMLAM_TEST_CACHE`` overrides it."""
    if named := os.environ.get("LAMLAM_TEST_CACHE"):
        return Path(named)
    return user_cache_path("lamlam-tests", appauthor=False)


def jars_of(release: Release, jdk: Jdk) -> Path:
    """The folder with every jar of a release; fetched if this machine does not have it.

    Raises:
        NoServer: Maven is missing or failed.
    """
    cache = cache_folder()
    target = cache / f"neo4j-{release.version}"
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / f"neo4j-{release.version}.lock"):
        if not target.is_dir():  # another process may have fetched it meanwhile
            _fetch(release, jdk, target)
    return target


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """No other process is inside at the same time; the system frees the lock of a dead one."""
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(release: Release, jdk: Jdk, target: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NoServer(
            f"Maven fetches the jars of Neo4j {release.version}, and mvn was not found. "
            "Install it (Debian, Ubuntu: apt install maven; macOS: brew install maven)"
        )
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as scratch:
        (Path(scratch) / "pom.xml").write_text(
            _POM.format(version=release.version), encoding="utf-8"
        )
        done = subprocess.run(
            [
                *(maven, "--batch-mode", "--no-transfer-progress"),
                *("dependency:copy-dependencies", "-DoutputDirectory=jars"),
                "-DincludeScope=runtime",
            ],
            cwd=scratch,
            env={**os.environ, "JAVA_HOME": str(jdk.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_FETCH_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            tail = "\n".join(done.stdout.splitlines()[-20:])
            raise NoServer(f"Maven could not fetch Neo4j {release.version}:\n{tail}")
        # In one step: a folder of that name is always complete.
        (Path(scratch) / "jars").rename(target)


def main() -> None:
    """Fetch the jars of every release that runs here."""
    jdks = find_jdks()
    releases = releases_here()
    for release in releases:
        folder = jars_of(release, jdk_for(release, jdks))
        sys.stdout.write(f"Neo4j {release.version}: {folder}\n")
    if not releases:
        raise NoServer("no JDK that runs a release of Neo4j (Java 17 or later) was found")


if __name__ == "__main__":
    try:
        main()
    except NoServer as why:
        sys.exit(str(why))
