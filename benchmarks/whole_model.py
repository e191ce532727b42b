"""How long `gonogo.bound` and `gonogo.error` take on published models, against another build or the baseline kernels.

Usage: whole_model.py FOLDER [OTHER] [--threads N] [--rounds N]. FOLDER holds the .tflite files of docs/results.md;
OTHER is the PYTHONPATH of the build to compare with. Without it the other contender is this build with
GONOGO_INSTRUCTION_SET=baseline. Each contender runs in a process of its own; they take turns, model by model, best of
the rounds: thread CPU time for one thread, wall clock for more. Last line: `ratio`, the geometric mean of the times of
the other build over those of this one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

MODELS = [
    ("hello_world", "tflm_hello_world_float", "tflm_hello_world_int8"),
    ("ad01", "ad01_fp32", "ad01_int8"),
    ("kws", "kws_ref_model_float32", "kws_ref_model"),
    ("resnet8", "pretrainedResnet", "pretrainedResnet_quant"),
    ("vww", "vww_96_float", "vww_96_int8"),
    ("sww", None, "str_ww_ref_model"),
    ("micro_speech", None, "tflm_micro_speech_quantized"),
    ("person_detect", None, "tflm_person_detect"),
]


def contender(folder: Path) -> None:
    """Reads the number of a model per line, writes the times of its calls as JSON."""
    import gonogo as gg
    import numpy as np

    for line in sys.stdin:
        _, reference, deployed = MODELS[int(line)]
        float_model = None if reference is None else gg.load(folder / f"{reference}.tflite")
        model = gg.load(folder / f"{deployed}.tflite")
        info = model.tensor(model.inputs[0])
        scale, zero = float(info.quantization.scales[0]), int(info.quantization.zero_points[0])  # type: ignore[union-attr]
        sample = (np.random.default_rng(0).integers(-128, 128, info.shape) - zero) * scale
        box = gg.Box.around(sample, scale)
        calls: dict[str, Callable[[], Any]] = {
            "bound real": partial(gg.bound, model, box),
            "bound tflm": partial(gg.bound, model, box, semantics="tflm"),
            "error": partial(gg.error, float_model, model, box),
        }
        clock = time.thread_time if os.environ["GONOGO_THREADS"] == "1" else time.perf_counter
        times = {}
        for name, call in calls.items():
            start = clock()
            call()
            times[name] = clock() - start
        print(json.dumps(times), flush=True)


def started(folder: Path, threads: int, **environment: str) -> Any:
    return subprocess.Popen(
        [sys.executable, __file__, str(folder), "--contender"],
        env={**os.environ, "GONOGO_THREADS": str(threads), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("other", nargs="?")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--contender", action="store_true")
    arguments = parser.parse_args()
    if arguments.contender:
        contender(arguments.folder)
        return
    other = {"PYTHONPATH": arguments.other} if arguments.other else {"GONOGO_INSTRUCTION_SET": "baseline"}
    processes = [
        started(arguments.folder, arguments.threads),
        started(arguments.folder, arguments.threads, **other),
    ]
    ratios: dict[str, list[float]] = {}
    print(f"{'model':14s} {'call':11s} {'this, ms':>10s} {'other, ms':>10s} {'ratio':>6s}")
    for index, (model, _, _) in enumerate(MODELS):
        best: list[dict[str, float]] = [{}, {}]
        for _ in range(arguments.rounds):
            for process, times in zip(processes, best, strict=True):
                process.stdin.write(f"{index}\n")
                process.stdin.flush()
                for name, seconds in json.loads(process.stdout.readline()).items():
                    times[name] = min(times.get(name, math.inf), seconds)
        for name, seconds in best[0].items():
            ratio = best[1][name] / seconds
            ratios.setdefault(name, []).append(ratio)
            print(f"{model:14s} {name:11s} {seconds * 1e3:10.2f} {best[1][name] * 1e3:10.2f} {ratio:6.2f}")
    for process in processes:
        process.stdin.close()
        process.wait()
    means = {name: math.exp(sum(map(math.log, r)) / len(r)) for name, r in ratios.items()}
    for name, mean in means.items():
        print(f"{'all':14s} {name:11s} {'':21s} {mean:6.2f}")
    print(f"ratio {math.exp(sum(map(math.log, means.values())) / len(means)):.2f}")


if __name__ == "__main__":
    main()
