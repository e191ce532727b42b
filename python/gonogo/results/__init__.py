"""What the engines found, frozen: numbers with unit, standing and provenance.

Standing is one of four words. *exact*: equal to the true value. *proved*: a bound that holds by proof. *estimated*:
from a calibrated model, with an interval. *measured*: read off something that ran; a witness is measured, by the
exact arithmetic of the deployed kernels.
"""

from __future__ import annotations

from gonogo.results._basis import Array, Model, Provenance, Quantity, Standing, frozen
from gonogo.results._bounds import (
    BoundResult,
    ErrorResult,
    LayerShare,
    Progress,
    Saturation,
    TensorBound,
    TensorError,
    Witness,
)
from gonogo.results._check import (
    CheckResult,
    Feasibility,
    LimitOutcome,
    Verdict,
    ends_text,
    judge,
    outcome_text,
)
from gonogo.results._cost import OTHER_PLANNERS, PERSISTENT_SLACK_BYTES, CostResult

__all__ = [
    "OTHER_PLANNERS",
    "PERSISTENT_SLACK_BYTES",
    "Array",
    "BoundResult",
    "CheckResult",
    "CostResult",
    "ErrorResult",
    "Feasibility",
    "LayerShare",
    "LimitOutcome",
    "Model",
    "Progress",
    "Provenance",
    "Quantity",
    "Saturation",
    "Standing",
    "TensorBound",
    "TensorError",
    "Verdict",
    "Witness",
    "ends_text",
    "frozen",
    "judge",
    "outcome_text",
]
