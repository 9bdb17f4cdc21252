"""The optional extras, each with the packages that it brings, as pip calls them."""

from __future__ import annotations

import re
import shlex

# Not read from the metadata of the installation, which in a clone are of its last set-up.
EXTRAS: dict[str, tuple[str, ...]] = {
    "arrow": ("pyarrow",),
    "cluster": ("ray[data]",),
    "engine": ("gguf", "jinja2", "llama-cpp-python", "llguidance", "numpy"),
    "graph": ("matplotlib",),
    "langgraph": ("langgraph",),
    "mcp": ("mcp",),
    "neo4j": ("neo4j", "neo4j-rust-ext"),
    "otel": ("opentelemetry-api",),
    "pydantic-ai": ("pydantic-ai-slim",),
    "rdf": ("pyoxigraph",),
    "serve": ("fastapi", "mcp", "prometheus-client", "uvicorn"),
    "testing": ("hypothesis", "pytest", "testcontainers"),
    "train": ("gguf", "numpy", "safetensors", "tokenizers", "torch", "transformers"),
}

# What the code imports of them, each with the package that has it: by this one the whole is known.
MODULES: dict[str, dict[str, str]] = {
    "engine": {
        "llama_cpp": "llama-cpp-python",
        "numpy": "numpy",
        "jinja2": "jinja2",
        "llguidance": "llguidance",
    },
    "langgraph": {"langgraph": "langgraph"},
    "mcp": {"mcp": "mcp"},
    "pydantic-ai": {"pydantic_ai": "pydantic-ai-slim"},
    "serve": {
        "fastapi": "fastapi",
        "mcp": "mcp",
        "prometheus_client": "prometheus-client",
        "uvicorn": "uvicorn",
    },
}

# Older releases would give wrong results, or none, without an error. Another package may bring
# one long after lamlam was installed: pip then only warns. pyproject.toml has the reasons.
OLDEST = {"transformers": "5.0", "typer": "0.26"}


def is_outdated(package: str, found: str) -> bool:
    """Return whether the release of a package in `OLDEST` is older than lamlam works with."""
    return _release(found) < _release(OLDEST[package])


def _release(version: str) -> list[int]:
    """Return the numbers of a release; "5.0.0rc1" counts as what it will become."""
    numbers = [int(digits) for digits in re.findall(r"(?:^|\.)(\d+)", version)]
    return [*numbers, 0, 0][:3]


def how_to_install(extra: str) -> str:
    """Return what to type, also where the package itself is in no index."""
    install = f"pip install 'lamlam[{extra}]'"
    packages = shlex.join(EXTRAS.get(extra, ()))  # backends of other people may have extras too
    return (
        f"{install}; in a clone: .venv/bin/python -m pip install {packages}"
        if packages
        else install
    )
