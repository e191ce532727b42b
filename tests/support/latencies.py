"""Latency from a gate's count of cycles, in the order in which the cost engine multiplies."""

from __future__ import annotations

from gonogo import _core


def seconds_of(cycles: float, target: _core.CostTarget) -> tuple[float, ...]:
    assert target.clock_hz is not None
    return tuple(cycles / target.clock_hz * scale for scale in target.latency_scale)
