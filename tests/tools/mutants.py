"""Proves that the tests of the numerics notice a wrong kernel: plants one defect at a time and expects a failure.

    python tests/tools/mutants.py [--only NAME ...] [--list] [--check] [--quick] [--resume] [--work FOLDER]
        [--table FILE]

The defects stand in mutants.toml: a file, a text that occurs in it exactly once, what it becomes, and the tests to
try first (`only` picks some of them); when those pass, all of tests/numeric, or tests/linear for a defect outside the
numeric library. The tree is copied to FOLDER (default build/mutants) and built there: only the numeric library and its
bindings, so that a defect in a header doesn't cost the whole project; for the others everything, in a folder of its
own. ccache is used when there is one. Exit status 0: the unchanged copy passes, and every defect was killed.
--check only looks for the texts and takes no build; --quick leaves out the second round of tests. --resume skips what
FOLDER holds from an earlier run: a defect that was killed in a file with the same content, and the look for tests that
fail without any defect. --table writes docs/mutants.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutants.toml")
EVERYTHING = {False: "tests/numeric", True: "tests/linear"}  # by whether the whole project is built
TIMEOUT = 1800

FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+::[^\n]*?\]|\S+)(?= - |$)", re.MULTILINE)

# The module gonogo._core without what needs more than the numeric library.
OTHER_ROOMS = re.compile(r'#include "gonogo/(?!numeric/|error\.hpp|version\.hpp)')
PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(mutants CXX)
set(CMAKE_CXX_FLAGS_RELEASE -O1)
set(GONOGO_TESTS OFF)
add_subdirectory(tree/cpp cpp EXCLUDE_FROM_ALL)
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)
execute_process(COMMAND ${Python_EXECUTABLE} -m pybind11 --cmakedir OUTPUT_VARIABLE pybind11_DIR
                OUTPUT_STRIP_TRAILING_WHITESPACE)
find_package(pybind11 3.1 CONFIG REQUIRED)
pybind11_add_module(_core NO_EXTRAS SOURCES)
target_link_libraries(_core PRIVATE gonogo::LIBRARY)
target_include_directories(_core PRIVATE tree/cpp/bindings tree/cpp/src)
set_target_properties(_core PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_SOURCE_DIR}/package/gonogo)
"""


@dataclass
class Mutant:
    name: str
    file: str
    breaks: str
    old: str
    new: str
    tests: list[str] = field(default_factory=list)
    only: str = ""  # of those tests, the ones that match, as for pytest -k

    @property
    def whole(self) -> bool:
        """Whether it takes more than the numeric library."""
        return "/numeric/" not in self.file

    def problem(self, root: Path) -> str:
        """Why it can't be planted, or nothing."""
        path = root / self.file
        if not path.is_file():
            return f"{self.name}: no file {self.file}"
        count = path.read_text().count(self.old)
        return "" if count == 1 else f"{self.name}: its text occurs {count} times in {self.file}"

    def key(self, root: Path) -> str:
        content = (root / self.file).read_bytes()
        return hashlib.sha256(b"\0".join([content, self.old.encode(), self.new.encode()])).hexdigest()[:16]


def load() -> tuple[list[Mutant], list[dict[str, str]]]:
    content = tomllib.loads(LIST.read_text())
    mutants = [Mutant(**row) for row in content["mutant"]]
    assert len({m.name for m in mutants}) == len(mutants), "two mutants of one name"
    return mutants, content.get("survivor", [])


def replace(path: Path, content: bytes) -> None:
    """Writes the file only when that changes it."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class Workshop:
    """A copy of the tree with its build: of the numeric library, or the whole project."""

    def __init__(self, folder: Path, whole: bool) -> None:
        self.whole = whole
        self.tree = folder / "tree"
        self.build_folder = folder / "build"
        self.package = folder / "package"
        self.broken: list[str] = []  # tests that fail without any defect: they kill nothing
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
        ).stdout.decode()
        names = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
        for path in [p for p in self.tree.rglob("*") if p.is_file()]:
            if str(path.relative_to(self.tree)) not in names:
                path.unlink()
        for name in names:  # a file that changes gets a new time stamp, so that it is compiled again
            target = self.tree / name
            replace(target, (ROOT / name).read_bytes())
        bindings = self.tree / "cpp" / "bindings"
        kept = [
            p
            for p in bindings.glob("*.cpp")
            if p.stem != "module" and (whole or not OTHER_ROOMS.search(p.read_text()))
        ]
        lines = (bindings / "module.cpp").read_text().splitlines()
        registered = [f"register_{p.stem}(m);" for p in kept]
        if not whole:
            lines = [line for line in lines if "register_" not in line or line.strip() in registered]
        replace(folder / "module.cpp", "\n".join(lines).encode())
        sources = " ".join(["module.cpp", *(f"tree/cpp/bindings/{p.name}" for p in sorted(kept))])
        library = "gonogo_core" if whole else "gonogo_numeric"
        project = PROJECT.replace("SOURCES", sources).replace("LIBRARY)", f"{library})")
        replace(folder / "CMakeLists.txt", project.encode())
        shutil.rmtree(self.package, ignore_errors=True)
        shutil.copytree(self.tree / "python", self.package)
        shutil.rmtree(
            self.package / "gonogo" / "_core", ignore_errors=True
        )  # type stubs: would hide the module
        command = ["cmake", "-S", str(folder), "-B", str(self.build_folder), "-G", "Ninja"]
        command += ["-DCMAKE_BUILD_TYPE=Release", f"-DPython_EXECUTABLE={sys.executable}"]
        if shutil.which("ccache"):
            command.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def build(self) -> bool:
        command = [
            "cmake",
            "--build",
            str(self.build_folder),
        ]  # CMAKE_BUILD_PARALLEL_LEVEL says with how many jobs
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            print(made.stdout[-3000:])
        return made.returncode == 0

    def fate(self, mutant: Mutant, quick: bool) -> str:
        """What kills it, or nothing. Raises when it doesn't build: that is no mutant."""
        path = self.tree / mutant.file
        original = path.read_text()
        path.write_text(original.replace(mutant.old, mutant.new))
        try:
            if not self.build():
                raise SystemExit(f"{mutant.name}: doesn't build")
            killer = self.killer(mutant.tests, mutant.only) if mutant.tests else ""
            return killer or ("" if quick and mutant.tests else self.killer([EVERYTHING[self.whole]]))
        finally:
            path.write_text(original)

    def killer(self, tests: list[str], only: str = "") -> str:
        """The first test that fails, or nothing."""
        run = self.pytest(["-x", *tests, *(["-k", only] if only else [])])
        if run is None:
            return f"no end within {TIMEOUT} s"
        if run.returncode == 0:
            return ""
        if "ImportError" in run.stdout + run.stderr and "can't give guarantees" in run.stdout + run.stderr:
            return "the self-test at import"
        if run.returncode == 1 and (failed := FAILED.search(run.stdout)):
            return failed.group(1).removeprefix("tests/numeric/").removeprefix("tests/")
        if run.returncode < 0:
            return f"the process died by signal {-run.returncode}"
        raise SystemExit(
            f"pytest {' '.join(tests)}: exit status {run.returncode}\n{run.stdout[-3000:]}{run.stderr[-2000:]}"
        )

    def control(self, tests: list[str]) -> None:
        """Finds the tests that fail without a defect."""
        run = self.pytest(tests)
        if run is None or run.returncode not in (0, 1):
            raise SystemExit(f"the unchanged tree's tests don't run: {run and run.stdout[-3000:]}")
        self.broken = FAILED.findall(run.stdout)

    def pytest(self, arguments: list[str]) -> subprocess.CompletedProcess[str] | None:
        command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", *arguments]
        command += [f"--deselect={test}" for test in self.broken]
        environment = os.environ | {
            "PYTHONPATH": str(self.package),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        try:
            return subprocess.run(
                command,
                cwd=self.tree,
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None


def table(rows: list[tuple[Mutant, str]], survivors: list[dict[str, str]]) -> str:
    lines = [
        "# Mutants",
        "",
        "Each row is a defect that `python tests/tools/mutants.py` plants in a copy of the tree, alone, and the first",
        "test that failed. The list is tests/tools/mutants.toml; this file is written by `--table docs/mutants.md`.",
        "",
        "| defect | file | what it breaks | killed by |",
        "|---|---|---|---|",
    ]
    for mutant, killer in rows:
        lines.append(
            f"| {mutant.name} | {mutant.file.removeprefix('cpp/')} | {mutant.breaks} | {killer or '**survives**'} |"
        )
    lines += ["", f"{len(rows)} defects, {sum(1 for _, killer in rows if killer)} killed.", ""]
    lines += [
        "## Changes that no test can notice",
        "",
        "Tried, and found to leave every theorem intact, because the proof has room there. They are no defects; they",
        "stand here so that nobody takes the list above for a claim about every constant.",
        "",
        "| change | file | why nothing breaks |",
        "|---|---|---|",
    ]
    lines += [f"| {row['change']} | {row['file'].removeprefix('cpp/')} | {row['why']} |" for row in survivors]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "mutants")
    parser.add_argument("--table", type=Path)
    options = parser.parse_args(arguments)
    mutants, survivors = load()
    if unknown := set(options.only) - {m.name for m in mutants}:
        parser.error(f"no mutant {', '.join(sorted(unknown))}")
    if options.only:
        mutants = [m for m in mutants if m.name in options.only]
    problems = [p for m in mutants if (p := m.problem(ROOT))]
    if options.list or options.check:
        print("\n".join(problems if options.check else [f"{m.name}: {m.breaks} ({m.file})" for m in mutants]))
        print(f"{len(mutants)} mutants")
        return 1 if options.check and problems else 0

    mutants = [m for m in mutants if not m.problem(ROOT)]
    record = options.work / "killed.json"
    killed: dict[str, str] = json.loads(record.read_text()) if options.resume and record.is_file() else {}
    for whole in (False, True):
        todo = [m for m in mutants if m.whole == whole and m.key(ROOT) not in killed]
        if not todo:
            continue
        folder = options.work / "whole" if whole else options.work
        workshop = Workshop(folder, whole)
        if not workshop.build():
            print("the unchanged tree doesn't build")
            return 1
        before = folder / "broken.json"
        if options.resume and before.is_file():
            workshop.broken = json.loads(before.read_text())
        else:
            workshop.control(sorted({test for m in todo for test in m.tests}) or [EVERYTHING[whole]])
            before.write_text(json.dumps(workshop.broken))
        problems += [f"{test} fails without a defect" for test in workshop.broken]
        print("\n".join(problems), flush=True)
        for mutant in todo:
            start = time.monotonic()
            killer = workshop.fate(mutant, options.quick)
            if killer:
                killed[mutant.key(ROOT)] = killer
                record.write_text(json.dumps(killed, indent=1))
            else:
                problems.append(f"{mutant.name}: survives")
            print(f"{mutant.name:32} {killer or 'SURVIVES':80} {time.monotonic() - start:5.0f} s", flush=True)
    rows = [(m, killed.get(m.key(ROOT), "")) for m in mutants]
    if options.table:
        options.table.write_text(table(rows, survivors))
    print("\n".join([*problems, f"{len(rows)} mutants, {len(problems)} problems"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
