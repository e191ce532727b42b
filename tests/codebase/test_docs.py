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


def test_the_guide_s_python_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (root / "docs" / "using.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) > 3
    monkeypatch.chdir(Path(gonogo.__file__).parent / "demo")
    names: dict[str, object] = {}  # one block builds on the other
    for block in blocks:
        exec(compile(block, "using.md", "exec"), names)


def test_the_readme_s_python_runs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    monkeypatch.chdir(Path(gonogo.__file__).parent / "demo")
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_the_readme_has_the_two_commands(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    assert "    pip install . && gonogo demo\n" in text
    # .ci/run finds this line, so that what it runs is what readers are told to run.
    assert re.search(r"^    pip install '\.\[test\]' && pytest.*$", text, re.MULTILINE)
