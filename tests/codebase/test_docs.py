"""What the documentation shows is run, and what it refers to exists."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import gonogo
import pytest

MODULES = sorted(
    name
    for _, name, _ in pkgutil.walk_packages(gonogo.__path__, "gonogo.")
    if not name.endswith(("__main__", "_core")) and ".hpo" not in name and "picture" not in name
)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


@pytest.mark.parametrize("name", ["gonogo", *MODULES])
def test_examples_in_docstrings(name: str) -> None:
    failures, _ = doctest.testmod(importlib.import_module(name))
    assert failures == 0


def test_every_public_name_has_a_docstring() -> None:
    for name in gonogo.__all__:
        if name != "__version__":
            assert getattr(gonogo, name).__doc__, name


def test_links_between_documents(root: Path) -> None:
    for document in [*root.glob("*.md"), *(root / "docs").rglob("*.md")]:
        for target in LINK.findall(document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.relative_to(root)} refers to {target}"


def test_no_machine_paths_in_the_repository(root: Path) -> None:
    for folder in ("cpp", "python", "tests", "docs", "scripts", "benchmarks", "examples", "tools"):
        for path in (root / folder).rglob("*"):
            if path.suffix in {".py", ".cpp", ".hpp", ".md", ".txt", ".cmake", ".toml", ".pyi", ".json"}:
                text = path.read_text(encoding="utf-8")
                assert not re.search(r"/(?:tmp|home|root|work)/\w", text), path.relative_to(root)
