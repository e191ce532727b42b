"""Hyper-parameter searches under device limits: a gate before training, a proved error bound after it.

The gates judge a configuration by its cost and know no search engine. `gonogo.hpo.optuna`, `ray`, `ax`, `configspace`
and `sklearn` fit them to the engines, which are optional (``pip install 'gonogo[hpo]'``) and only imported by what
needs them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from gonogo.hpo.checked import Checked
from gonogo.hpo.feasible import tightened
from gonogo.hpo.gate import Gate, GateChecked
from gonogo.hpo.model_gate import BuildError, ModelGate
from gonogo.hpo.paving import Paving
from gonogo.hpo.space_report import Core, SpaceReport

if TYPE_CHECKING:
    from gonogo.hpo import ax, configspace, optuna, ray, sklearn

__all__ = [
    "BuildError",
    "Checked",
    "Core",
    "Gate",
    "GateChecked",
    "ModelGate",
    "Paving",
    "SpaceReport",
    "ax",
    "configspace",
    "optuna",
    "ray",
    "sklearn",
    "tightened",
]

_ADAPTERS = ("ax", "configspace", "optuna", "ray", "sklearn")


def __getattr__(name: str) -> object:
    if name in _ADAPTERS:
        return importlib.import_module(f"gonogo.hpo.{name}")
    raise AttributeError(f"module 'gonogo.hpo' has no attribute {name!r}")
