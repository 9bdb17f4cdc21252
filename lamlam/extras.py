"""The optional extras, each with the packages that it brings, as pip calls them."""

from __future__ import annotations

# Not read from the metadata of the installation, which in a clone are of its last set-up.
EXTRAS: dict[str, tuple[str, ...]] = {
    "graph": ("matplotlib",),
    "neo4j": ("neo4j", "neo4j-rust-ext"),
    "otel": ("opentelemetry-api",),
    "rdf": ("pyoxigraph",),
    "testing": ("hypothesis", "pytest", "testcontainers"),
    "train": ("gguf", "safetensors", "tokenizers", "torch", "transformers"),
}


def how_to_install(extra: str) -> str:
    """Return what to type, also where the package itself is in no index."""
    install = f"pip install 'lamlam[{extra}]'"
    packages = " ".join(EXTRAS.get(extra, ()))  # backends of other people may have extras too
    return (
        f"{install}; in a clone: .venv/bin/python -m pip install {packages}"
        if packages
        else install
    )
