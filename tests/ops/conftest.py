"""Makes tests/support importable for the tests of the integer kernels."""

from __future__ import annotations

import sys
from pathlib import Path

SUPPORT = str(Path(__file__).resolve().parents[1])
if SUPPORT not in sys.path:
    sys.path.insert(0, SUPPORT)
