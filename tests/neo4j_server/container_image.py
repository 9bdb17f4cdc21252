"""Images with a Neo4j server, made from what the tests have anyway: its jars and a JDK.

``python -m tests.neo4j_server.container_image`` makes those of every release that runs here, and
prints a line for each: its tag and its archive. They are kept by the hash of all that is in
them, beside the jars.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.neo4j_server.docker_archive import ImageFile, digest, write_archive
from tests.neo4j_server.jars import cache_folder, jars_of, locked
from tests.neo4j_server.jdks import Jdk, NoServer, Release, find_jdks, jdk_for, releases_here

NAME = "lamlam/neo4j"
"""Not ``neo4j``: in an engine of the user that is the official image."""
LABEL = "lamlam-tests"
_FOLDER = Path(__file__).parent / "image"
_SOURCES = (_FOLDER / "ContainerServer.java", _FOLDER / "CypherShell.java")
_CLASSES = "var/lib/neo4j/classes"
_USER = 7474  # as in the official image
_LEFT_OUT = re.compile(
    r"lib/(src\.zip|ct\.sym|jmods|jrt-fs\.jar|libjsound|libawt|libmlib|liblcms|libfontmanager"
    r"|libfreetype|libjavajpeg|libsplashscreen|libatk|libjawt|libj2pcsc|libsctp|libsaproc"
    r"|server/classes_|static|psfont)"
)
_PASSWD = f"root:x:0:0::/root:/bin/sh\nneo4j:x:{_USER}:{_USER}::/var/lib/neo4j:/bin/sh\n"
_GROUP = f"root:x:0:\nneo4j:x:{_USER}:\n"
# The server asks for the name of the address that it listens on. Where containers have no way to a
# name server, as in the engine of containers.sh, that answer takes ten seconds of each start.
_NO_NAME_SERVER = b"hosts: files\n"


def tag_of(release: Release) -> str:
    """Return the name and tag of a release's image."""
    return f"{NAME}:{release.version}"


def archive_of(release: Release) -> Path:
    """Return the archive with the image of a release; made if it is not there.

    Raises:
        NoServer: the jars cannot be had, no JDK fits, or a program that goes into it is missing.
    """
    jdk = jdk_for(release, find_jdks())
    jars = jars_of(release, jdk)
    folder = cache_folder() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        locked(folder / f"{release.version}.lock"),
    ):
        files = list(_files(jdk, jars))
        config = _config(release)
        # The sources stand for what is compiled from them, which takes seconds.
        sources = [ImageFile(source.name, source) for source in _SOURCES]
        target = folder / f"neo4j-{release.version}-{digest([*files, *sources], config)[:16]}.tar"
        if not target.exists():
            files.extend(_compiled(jdk, jars, Path(scratch)))
            for old in folder.glob(f"neo4j-{release.version}-*"):
                old.unlink()
            made = Path(scratch) / target.name
            write_archive(made, files, config, [tag_of(release)])
            part = target.with_suffix(".part")
            shutil.move(made, part)
            part.rename(target)  # in one step: an archive of that name is always complete
    return target


def _config(release: Release) -> dict[str, Any]:
    settings = [f"{written_as_variable(name)}={value}" for name, value in release.settings.items()]
    return {
        "Cmd": ["/start.sh"],
        "Env": ["PATH=/opt/java/bin:/bin", "JAVA_HOME=/opt/java", "LANG=C.UTF-8", *settings],
        "ExposedPorts": {"7687/tcp": {}},
        "Labels": {LABEL: release.version},
        "StopSignal": "SIGTERM",
        "User": f"{_USER}:{_USER}",
        "Volumes": {"/data": {}, "/logs": {}},
        "WorkingDir": "/var/lib/neo4j",
    }


def written_as_variable(setting: str) -> str:
    """Return the environment variable by which images of Neo4j take a setting."""
    return "NEO4J_" + setting.replace("_", "__").replace(".", "_")


def _files(jdk: Jdk, jars: Path) -> Iterator[ImageFile]:
    """Yield everything in an image but the compiled starter; folders are added for what is in them."""
    found = [*_system_files(), *_java_files(jdk), *_server_files(jars)]
    yield from found
    folders = {str(parent) for one in found for parent in Path(one.path).parents} - {"."}
    given = {one.path for one in found}
    for folder in sorted(folders - given):
        yield ImageFile(folder)


def _system_files() -> Iterator[ImageFile]:
    busybox = shutil.which("busybox")
    if busybox is None:
        raise NoServer("busybox goes into the image, and was not found: apt install busybox-static")
    program = Path(busybox)
    if libraries_of([program]):
        raise NoServer(f"{busybox} needs libraries: apt install busybox-static")
    yield ImageFile("bin/busybox", program)
    for name in ("sh", "sed", "env", "cat", "ls", "sleep", "kill", "ps"):
        yield ImageFile(
            f"bin/{name}", f'#!/bin/busybox sh\nexec /bin/busybox {name} "$@"\n'.encode()
        )
    yield ImageFile("etc/passwd", _PASSWD.encode(), 0o644)
    yield ImageFile("etc/group", _GROUP.encode(), 0o644)
    yield ImageFile("etc/nsswitch.conf", _NO_NAME_SERVER, 0o644)
    yield ImageFile("tmp", mode=0o1777)


def _java_files(jdk: Jdk) -> Iterator[ImageFile]:
    """Yield a Java runtime: the JDK without its tools and what draws, and libraries it links."""
    names = ["bin/java", "release"]
    for folder in ("conf", "lib"):
        names += [str(one.relative_to(jdk.home)) for one in _walk(jdk.home / folder)]
    kept = {name: jdk.home / name for name in names if not _LEFT_OUT.match(name)}
    for name, path in kept.items():
        if path.is_file():  # links of distributions may lead nowhere
            mode = 0o755 if name.startswith("bin/") or name.endswith("jspawnhelper") else 0o644
            yield ImageFile(f"opt/java/{name}", path, mode)
    linked = [path for name, path in kept.items() if name.endswith(".so") or name == "bin/java"]
    for library in sorted(libraries_of(linked)):
        if not library.startswith(str(jdk.home.resolve())):
            yield ImageFile(library.lstrip("/"), Path(library))


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, through links to folders."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def libraries_of(programs: Iterable[Path]) -> set[str]:
    """Return the shared libraries that programs link, as the loader finds them here."""
    listed = subprocess.run(
        ["ldd", *map(str, programs)],
        capture_output=True,
        text=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        check=False,  # 1 for a static program
    )
    return set(re.findall(r"(?:=> |^\t)(/\S+) \(0x", listed.stdout, re.MULTILINE))


def _server_files(jars: Path) -> Iterator[ImageFile]:
    for jar in sorted(jars.glob("*.jar")):
        yield ImageFile(f"var/lib/neo4j/lib/{jar.name}", jar, 0o644)
    yield ImageFile("start.sh", _FOLDER / "start.sh")
    yield ImageFile("bin/cypher-shell", _FOLDER / "cypher-shell")
    yield ImageFile(_CLASSES)
    for folder in ("data", "logs", "var/lib/neo4j"):
        yield ImageFile(folder, owner=_USER)


def _compiled(jdk: Jdk, jars: Path, scratch: Path) -> Iterator[ImageFile]:
    javac = [str(jdk.home / "bin" / "javac"), "-cp", f"{jars}/*", "-d", str(scratch)]
    subprocess.run([*javac, *map(str, _SOURCES)], check=True)
    for compiled in sorted(scratch.glob("*.class")):
        yield ImageFile(f"{_CLASSES}/{compiled.name}", compiled, 0o644)


def main() -> None:
    """Make the image of every release that runs here."""
    releases = releases_here()
    if not releases:
        raise NoServer("no JDK that runs a release of Neo4j (Java 17 or later) was found")
    for release in releases:
        sys.stdout.write(f"{tag_of(release)} {archive_of(release)}\n")


if __name__ == "__main__":
    try:
        main()
    except NoServer as why:
        sys.exit(str(why))
