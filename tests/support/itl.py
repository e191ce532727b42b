"""Reader of the interval test language (ITL) that the ITF1788 suite is written in.

    testcase NAME { operation operand ... = result ... [<= accurate ...] [signal Name]; }

Operands and results are intervals ``[1, 2]``, ``[empty]``, ``[nai]``, each possibly with a decoration ``_com``; numbers
(decimal, C99 hexadecimal, infinity, NaN); texts; lists ``{1.0, 2.0}``; and names (``true``, ``equals``, ``com``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Union

INF = float("inf")


@dataclass(frozen=True)
class Ends:
    """An interval as written: outward ends are exact, because the suite writes binary64 numbers."""

    lo: float
    hi: float
    decoration: str = ""

    @property
    def empty(self) -> bool:
        return self.lo > self.hi


@dataclass(frozen=True)
class Nai:
    """Not an interval: exists with decorations only."""


@dataclass(frozen=True)
class Name:
    text: str


Value = Union[Ends, Nai, Name, float, str, tuple[float, ...]]


@dataclass(frozen=True)
class Assertion:
    file: str
    testcase: str
    line: int
    operation: str
    operands: tuple[Value, ...]
    results: tuple[Value, ...]
    accurate: tuple[Value, ...] = ()
    signal: str = ""

    @property
    def decorated(self) -> bool:
        values = (*self.operands, *self.results)
        return any(isinstance(v, Nai) or (isinstance(v, Ends) and v.decoration != "") for v in values)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.operation}"


TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
      | (?P<text>"[^"]*")
      | (?P<interval>\[[^\]]*\](?:_[A-Za-z]+)?)
      | (?P<list>\{[^{};=]*\})
      | (?P<symbol><=|[={};])
      | (?P<word>[^\s=;{}<"\[]+)""",
    re.VERBOSE | re.DOTALL,
)


def number(text: str) -> float:
    text = text.strip().lower()
    return float.fromhex(text) if "0x" in text else float(text)


def interval(text: str) -> Value:
    body, _, decoration = text[1:].partition("]")
    body, decoration = body.strip().lower(), decoration.removeprefix("_")
    if body == "nai":
        return Nai()
    if body == "empty":
        return Ends(INF, -INF, decoration)
    if body == "entire":
        return Ends(-INF, INF, decoration)
    low, _, high = body.partition(",")
    return Ends(number(low), number(high or low), decoration)


def value(kind: str, text: str) -> Value:
    if kind == "text":
        return text[1:-1]
    if kind == "interval":
        return interval(text)
    if kind == "list":
        return tuple(number(part) for part in text[1:-1].split(",") if part.strip())
    try:
        return number(text)
    except ValueError:
        return Name(text)


def tokens(text: str) -> Iterator[tuple[str, str, int]]:
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"line {text.count(chr(10), 0, at) + 1}: can't read {text[at : at + 20]!r}")
        at = match.end()
        if match.lastgroup != "space":
            yield str(match.lastgroup), match.group(), text.count("\n", 0, match.start()) + 1


def assertions(path: Path) -> Iterator[Assertion]:
    stream = tokens(path.read_text(encoding="utf-8"))
    testcase = ""
    for _kind, text, line in stream:
        if text == "}":
            testcase = ""
        elif not testcase:
            if text != "testcase":
                raise ValueError(f"{path.name}:{line}: expected testcase, found {text!r}")
            testcase = next(stream)[1]
            if next(stream)[1] != "{":
                raise ValueError(f"{path.name}:{line}: expected {{")
        else:
            yield assertion(path.name, testcase, line, text, stream)
    if testcase:
        raise ValueError(f"{path.name}: testcase {testcase} doesn't end")


def assertion(
    file: str, testcase: str, line: int, operation: str, stream: Iterator[tuple[str, str, int]]
) -> Assertion:
    parts: dict[str, list[Value]] = {"": [], "=": [], "<=": []}
    part, signal = "", ""
    for kind, text, _ in stream:
        if text == ";":
            break
        if kind == "symbol":
            part = text
        elif text == "signal":
            signal = next(stream)[1]
        else:
            parts[part].append(value(kind, text))
    else:
        raise ValueError(f"{file}:{line}: {operation} doesn't end")
    return Assertion(
        file, testcase, line, operation, tuple(parts[""]), tuple(parts["="]), tuple(parts["<="]), signal
    )
