"""Columns of text, and names that fit into them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

MAX_NAME = 48


def table(rows: Sequence[tuple[str, ...]], right: frozenset[int] = frozenset()) -> Iterator[str]:
    """Columns two spaces apart; the columns in `right` are flush right."""
    if not rows:
        return
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()


def shortened(name: str) -> str:
    """Converters chain names with semicolons; the first one tells enough, and 48 characters fit."""
    first = name.split(";")[0]
    if len(first) > MAX_NAME:
        first = first[: MAX_NAME // 2] + "..." + first[3 - MAX_NAME // 2 :]
    return first + (";..." if ";" in name else "")
