"""Holds a Neo4j container until it is killed: ``python -m tests.containers.endless_session``."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from lamlam.testing.neo4j_containers import container_server

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, container_server(Path(folder)):
        time.sleep(3600)
