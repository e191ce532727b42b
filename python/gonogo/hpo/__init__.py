"""Hyper-parameter searches under device limits: a gate before training, a proved error bound after it.

`Gate` judges a configuration by its cost and knows no search engine; `gonogo.hpo.optuna` fits it to Optuna 5. Optuna
is optional (``pip install 'gonogo[hpo]'``) and is only imported by what needs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from gonogo.hpo.gate import BuildError, Checked, Gate

if TYPE_CHECKING:
    from gonogo.hpo import optuna

__all__ = ["BuildError", "Checked", "Gate", "optuna"]


def __getattr__(name: str) -> object:
    if name == "optuna":
        return importlib.import_module("gonogo.hpo.optuna")
    raise AttributeError(f"module 'gonogo.hpo' has no attribute {name!r}")
