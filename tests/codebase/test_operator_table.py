"""docs/operators.md says what the records say."""

from __future__ import annotations

import runpy
from pathlib import Path


def test_the_table_is_current(root: Path) -> None:
    script = runpy.run_path(str(root / "scripts" / "make_operator_table.py"))
    written = (root / "docs" / "operators.md").read_text(encoding="utf-8")
    assert written == script["table"](), "run scripts/make_operator_table.py"
