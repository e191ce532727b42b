"""Proves that the soundness tests have teeth: under a build without outward rounding each of them must fail.

    python tests/tools/check_nonrigorous.py build/nonrigorous/python [pytest arguments]

The argument is a folder with a package `gonogo` built with GONOGO_NONRIGOROUS=ON. Exit status 0: every
soundness test failed by an assertion, and the ones named below were among them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# One per kernel: if one of these is renamed or loses its marker, this list must be looked at.
MUST_FAIL = (
    "test_directed_results_are_the_best_bounds[add]",
    "test_directed_results_are_the_best_bounds[sub]",
    "test_directed_results_are_the_best_bounds[mul]",
    "test_directed_results_are_the_best_bounds[div]",
    "test_square_roots_are_the_best_bounds",
    "test_products_of_boxes_are_best",
    "test_quotients_contain_inner_points",
    "test_enclosures_and_their_accuracy[exp]",
    "test_enclosures_and_their_accuracy[expm1]",
    "test_enclosures_and_their_accuracy[exp2]",
    "test_enclosures_and_their_accuracy[log]",
    "test_enclosures_and_their_accuracy[log1p]",
    "test_enclosures_and_their_accuracy[log2]",
    "test_enclosures_and_their_accuracy[sin]",
    "test_enclosures_and_their_accuracy[cos]",
    "test_enclosures_and_their_accuracy[tanh]",
    "test_enclosures_and_their_accuracy[erf]",
    "test_enclosures_and_their_accuracy[sigmoid]",
    "test_enclosures_and_their_accuracy[softplus]",
    "test_fused_multiply_add_is_tightest",
    "test_integer_powers_are_tightest",
    "test_bounds_hold_at_every_corner[dense-normal]",
    "test_bounds_hold_at_every_corner[dense-subnormal]",
    "test_bounds_hold_at_every_corner[depthwise-cancelling]",
    "test_weight_uncertainty_is_covered[2^-24]",
    "test_every_sum_of_three[plain]",
    "test_random_orders[12-float32]",
    "test_random_texts_are_read_to_the_best_bounds",
    "test_numbers_print_to_the_best_decimals",
    "test_every_enclosure_contains_the_exact_value[0]",
    "test_every_enclosure_contains_the_true_value[softmax]",
    "test_the_exact_value_is_enclosed[conv2d]",
)


def main(arguments: list[str]) -> int:
    if not arguments:
        print(__doc__)
        return 64
    environment = os.environ | {
        "PYTHONPATH": str(Path(arguments[0]).resolve()),
        "HYPOTHESIS_PROFILE": "control",
    }
    mode = "from gonogo import _core; print(_core.rounding)"
    found = subprocess.run(
        [sys.executable, "-c", mode], env=environment, capture_output=True, text=True, check=False
    )
    if found.stdout.strip() != "none":
        print(f"{arguments[0]}: not a build without rounding: {found.stdout.strip() or found.stderr.strip()}")
        return 64
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        # --runxfail: see the failures themselves, not the expectation of them.
        command = [sys.executable, "-m", "pytest", "-q", "-n", "auto"]
        command += ["-m", "soundness", "--runxfail", "--tb=line"]
        subprocess.run(
            [*command, f"--junitxml={report}", *arguments[1:]],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    problems = []
    failed = set()
    for case in cases:
        name = case.get("name", "")
        failure = case.find("failure")
        if case.find("skipped") is not None:
            continue
        if failure is None:
            problems.append(f"{case.get('classname')}::{name} passed, or broke, without outward rounding")
        elif "assert" not in failure.get("message", "").lower():
            problems.append(
                f"{case.get('classname')}::{name} failed by something else: {failure.get('message')}"
            )
        else:
            failed.add(name)
    if not arguments[1:]:
        problems += [f"{name} didn't run" for name in MUST_FAIL if name not in failed]
    print(
        "\n".join([*problems, f"{len(failed)} soundness tests failed as they must, {len(problems)} problems"])
    )
    return 1 if problems or not failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
