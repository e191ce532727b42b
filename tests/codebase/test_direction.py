"""No room includes a later one.

numeric, tensor -> domains, ir -> ops -> semantics -> linear -> joint -> engines -> bindings -> loaders, analysis,
results -> hpo -> report -> cli

The rule is read off the `#include` and `import` lines. Each check is a function from file texts to a list of
breaches, so that the tests can also show that a planted breach is found.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

# A room may use the rooms with a smaller number, and itself.
CPP_ROOMS = {
    "numeric": 0,
    "tensor": 1,
    "domains": 2,
    "ir": 3,
    "ops": 4,
    "semantics": 5,
    "linear": 6,
    "joint": 7,
    "engines": 8,
    "bindings": 9,
}
CPP_ANYWHERE = {"error.hpp", "version.hpp"}
# The builder looks operators up by name and applies their rules: it sees the record's form, never an operator.
CPP_EXCEPTIONS = {
    ("src/ir/graph.cpp", "gonogo/ops/record.hpp"),
    ("src/ir/graph_builder.cpp", "gonogo/ops/record.hpp"),
    ("src/ir/node_checks.hpp", "gonogo/ops/record.hpp"),
}
# Engines don't include each other. Other files in engines/ are common ground, which may include no engine.
ENGINES = ("bounds", "error", "cost", "space")

PYTHON_ROOMS = {
    "_core": 0,
    "errors": 1,
    "threads": 1,
    "interval": 2,
    "roundoff": 1,
    "units": 2,
    "semantics": 2,
    "files": 2,
    "space": 2,
    "odd": 3,
    "limits": 3,
    "box": 4,
    "targets": 3,
    "loaders": 3,
    "architecture": 4,
    "results": 4,
    "parts": 5,
    "analysis": 6,
    "decision": 7,
    "whatif": 7,
    "advice": 7,
    "hpo": 8,
    "testing": 8,
    "progress": 8,
    "report": 9,
    "cli": 10,
    "__main__": 11,
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def cpp_room(path: str) -> tuple[str, str]:
    """Room and the path inside it, of a file given relative to cpp/ or as written in an include."""
    parts = [p for p in path.split("/") if p not in ("include", "gonogo", "src")]
    return (parts[0], "/".join(parts[1:])) if len(parts) > 1 else ("", parts[0])


def engine_of(inside: str) -> str | None:
    first = re.split(r"[/._]", inside)[0]
    return first if first in ENGINES else None


def cpp_breaches(files: dict[str, str]) -> list[str]:
    """`files`: text by path relative to cpp/ (include/..., src/..., bindings/...)."""
    found = []
    for path, text in files.items():
        room, inside = cpp_room(path)
        for _, target in INCLUDE.findall(text):
            if target.startswith(("pybind11/", "Python.h")):
                if room != "bindings":
                    found.append(f"{path}: includes {target}, but only bindings may know Python")
                continue
            if "/" not in target and not target.endswith(".hpp"):
                continue  # the standard library
            if target.split("/")[-1] in CPP_ANYWHERE and target.count("/") <= 1:
                continue
            if (path, target) in CPP_EXCEPTIONS:
                continue
            other, other_inside = cpp_room(target) if "/" in target else (room, target)
            if other not in CPP_ROOMS:
                # A private header named relative to its own folder, e.g. "int8/rounding.hpp" inside ops.
                other, other_inside = (room, target) if target.endswith(".hpp") else ("", "")
            if room == "":
                found.append(f"{path}: a file that every room includes must not include {target}")
            elif other and CPP_ROOMS[other] > CPP_ROOMS[room]:
                found.append(f"{path}: {room} includes {target} of the later room {other}")
            elif room == other == "engines":
                mine, theirs = engine_of(inside), engine_of(other_inside)
                if theirs is not None and theirs != mine:
                    found.append(f"{path}: includes {target}, but engines don't include each other")
    return found


def python_room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imported(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "." * node.level + (node.module or "")
            elif node.module == "gonogo":
                yield from (f"gonogo.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""


def python_breaches(files: dict[str, str]) -> list[str]:
    """`files`: text by path relative to python/gonogo/."""
    found = []
    for path, text in files.items():
        if path == "__init__.py":
            continue  # names everything, imports it when asked
        room = path.split("/")[0].removesuffix(".py")
        if room not in PYTHON_ROOMS:
            found.append(f"{path}: not in the table of rooms; decide where it belongs")
            continue
        for module in imported(ast.parse(text)):
            if module.startswith("."):
                found.append(f"{path}: relative import {module}; write gonogo.<room>")
            elif module.split(".")[0] == "gonogo":
                other = python_room(module)
                if other == room or module == "gonogo.__version__":
                    continue
                if other not in PYTHON_ROOMS:
                    found.append(f"{path}: imports {module}, which is in no room")
                elif PYTHON_ROOMS[other] >= PYTHON_ROOMS[room]:
                    found.append(f"{path}: {room} imports {module}, which isn't an earlier room")
    return found


def read(folder: Path, patterns: tuple[str, ...]) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8")
        for pattern in patterns
        for p in sorted(folder.rglob(pattern))
    }


def cpp_files(root: Path) -> dict[str, str]:
    files = read(root / "cpp", ("*.hpp", "*.cpp"))
    return {path: text for path, text in files.items() if not path.startswith("tests/")}


def test_cpp_rooms(root: Path) -> None:
    files = cpp_files(root)
    assert len(files) > 10
    assert cpp_breaches(files) == []


def test_python_rooms(root: Path) -> None:
    files = read(root / "python" / "gonogo", ("*.py",))
    assert len(files) > 3
    assert python_breaches(files) == []


def test_every_file_is_in_a_room(root: Path) -> None:
    rooms = {cpp_room(path)[0] for path in cpp_files(root)}
    assert rooms <= set(CPP_ROOMS) | {""}


def test_planted_breaches_are_found() -> None:
    allowed = '#include <vector>\n#include "gonogo/ir/graph.hpp"\n#include "gonogo/error.hpp"\n'
    assert cpp_breaches({"src/ops/relu.cpp": allowed + '#include "ops/int8/common.hpp"\n'}) == []
    for path, line in [
        ("src/numeric/interval.cpp", '#include "gonogo/ir/graph.hpp"'),
        ("include/gonogo/ir/graph.hpp", '#include "gonogo/ops/record.hpp"'),
        ("src/ops/relu.cpp", '# include "engines/walk.hpp"'),
        ("src/engines/cost.cpp", "#include <pybind11/pybind11.h>"),
        ("src/engines/error/joint.cpp", '#include "gonogo/engines/bounds.hpp"'),
        ("src/engines/walk.cpp", '#include "engines/cost_table.hpp"'),
        ("include/gonogo/error.hpp", '#include "gonogo/ir/graph.hpp"'),
        ("src/tensor/shape.cpp", '#include "gonogo/domains/interval_tensor.hpp"'),
    ]:
        assert len(cpp_breaches({path: allowed * (room_of(path) >= CPP_ROOMS["ops"]) + line + "\n"})) == 1, (
            path
        )
    for path, text in [
        ("loaders/onnx.py", "from gonogo.analysis import bound"),
        ("results.py", "def f():\n    import gonogo.report.text"),
        ("analysis.py", "from gonogo import cli"),
        ("box.py", "from .limits import Limits"),
        ("stray.py", ""),
    ]:
        assert len(python_breaches({path: text})) == 1, path
    assert python_breaches({"cli.py": "import click\nfrom gonogo import analysis, report"}) == []


def room_of(path: str) -> int:
    return CPP_ROOMS.get(cpp_room(path)[0], -1)
