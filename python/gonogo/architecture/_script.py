"""A space and a build function out of a Python file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from gonogo.architecture._architecture import Architecture
from gonogo.errors import ArchitectureError, GonogoError
from gonogo.space import Space

_WRITE = "define `space = gonogo.Space(...)` and `def build(h, net): ...` in it"


def read_script(text: str) -> Architecture:
    """The architecture in ``FILE.py`` or ``FILE.py:NAME``. The file is run, like any Python program.

    It defines `space`, and a function called NAME (by default `build`); or NAME is an Architecture.

    Raises FileNotFoundError; ArchitectureError, with the file's name and line, for what is wrong in it.
    """
    file, name = _split(text)
    module = _run(file)
    found = getattr(module, name, None)
    if isinstance(found, Architecture):
        return found
    if not callable(found):
        there = ", ".join(sorted(n for n, v in vars(module).items() if _is_own_function(v, module)))
        hint = f"its functions: {there}; choose one with {file}:NAME" if there else _WRITE
        raise ArchitectureError(f"{file}: no function '{name}'; {hint}")
    space = getattr(module, "space", None)
    if not isinstance(space, Space):
        what = "no `space`" if space is None else f"`space` is a {type(space).__name__}"
        raise ArchitectureError(f"{file}: {what}; {_WRITE}")
    with _told(file):
        return Architecture(space, found)


# ---- helpers


def _split(text: str) -> tuple[Path, str]:
    file, colon, name = text.rpartition(":")
    if not colon or not name.isidentifier():
        file, name = text, "build"
    path = Path(file)
    if path.suffix != ".py":
        raise ArchitectureError(f"{file}: not a Python file; give FILE.py or FILE.py:NAME")
    if not path.exists():
        raise FileNotFoundError(2, "no such file", file)
    return path, name


def _run(file: Path) -> ModuleType:
    module = ModuleType(file.stem)
    module.__file__ = str(file)
    with _told(file), _importing_beside(file):
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
    return module


@contextmanager
def _importing_beside(file: Path) -> Iterator[None]:
    """The file's folder comes first among the places of imports, as when Python runs it."""
    sys.path.insert(0, str(file.parent.resolve()))
    try:
        yield
    finally:
        sys.path.pop(0)


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Whatever goes wrong in the file becomes an error of ours that names it, and the line."""
    try:
        yield
    except SyntaxError as error:
        raise ArchitectureError(f"{file}, line {error.lineno}: {error.msg}") from error
    except Exception as error:
        what = "" if isinstance(error, GonogoError) else f"{type(error).__name__}: "
        raise ArchitectureError(f"{file}{_line(error, file)}: {what}{error}") from error


def _line(error: BaseException, file: Path) -> str:
    """The last line of the file that the error passed through."""
    found, trace = "", error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            found = f", line {trace.tb_lineno}"
        trace = trace.tb_next
    return found


def _is_own_function(value: Any, module: ModuleType) -> bool:
    return callable(value) and getattr(value, "__module__", None) == module.__name__
