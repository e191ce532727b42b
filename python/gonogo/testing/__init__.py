"""Exact oracles and hypothesis strategies, the ones gonogo is tested with; for tests of what is built on gonogo.

Needs `hypothesis` and `mpmath`, which the package itself doesn't install.
"""

from gonogo.testing.oracle import evaluate
from gonogo.testing.strategies import Case, cases, operators

__all__ = ["Case", "cases", "evaluate", "operators"]
