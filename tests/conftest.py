"""What every test may use: hypothesis profiles and the corpus of measured models."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True)
settings.register_profile(
    "deep", max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# For the negative control: where failing is expected, one failure is enough, and no time is spent on making it small.
settings.register_profile(
    "control", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate], report_multiple_bugs=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of models and measurements that is too large for the repository."""
    named = os.environ.get("GONOGO_CORPUS")
    path = Path(named) if named else ROOT.parent / "shared" / "data"
    if not path.is_dir():
        if named:
            pytest.fail(f"GONOGO_CORPUS={named} is not a folder")
        pytest.skip("no corpus: set GONOGO_CORPUS to its folder (CONTRIBUTING.md says what is in it)")
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Under the non-rigorous build a soundness test that passes has no teeth: there, passing is the failure."""
    from gonogo import _core

    if _core.rounding == "none":
        for item in items:
            if item.get_closest_marker("soundness"):
                item.add_marker(pytest.mark.xfail(reason="no outward rounding", strict=True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """An engine's own invariant that is broken is a failed test, not an accident (check_nonrigorous.py asks)."""
    try:
        return (yield)
    except RuntimeError as defect:
        if "please report this" in str(defect):
            raise AssertionError(f"an engine's own check failed: {defect}") from defect
        raise
