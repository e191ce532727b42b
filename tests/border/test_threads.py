"""One graph, many threads: the engines hold no state and let go of the GIL."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gonogo

DEMO = Path(gonogo.__file__).parent / "demo"


def test_the_same_answer_from_every_thread() -> None:
    deployed = gonogo.load(DEMO / "digits_int8.tflite")
    reference = gonogo.load(DEMO / "digits_float32.tflite")
    box = gonogo.Box.from_file(DEMO / "digits_box.json")

    def ask(_: int) -> tuple[bytes, bytes, int]:
        found = gonogo.error(reference, deployed, box, search=500_000, seed=7)
        ranges = gonogo.bound(deployed, box, semantics="tflm")
        return found.bound.tobytes(), ranges.lower.tobytes(), gonogo.cost(deployed, "stm32f746").core.macs

    alone = ask(0)
    with ThreadPoolExecutor(8) as pool:
        assert all(answer == alone for answer in pool.map(ask, range(24)))


def test_an_engine_lets_other_threads_run() -> None:
    deployed = gonogo.load(DEMO / "digits_int8.tflite")
    done = threading.Event()
    ticks = 0

    def work() -> None:
        gonogo.error(None, deployed, search=100_000_000)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    # Were the GIL held, this loop would get no turn until the engine is done.
    while not done.wait(0.001):
        ticks += 1
    thread.join()
    assert ticks >= 3


def test_loading_from_many_threads() -> None:
    def load(_: int) -> str:
        return gonogo.load(DEMO / "digits_int8.tflite").sha256

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(load, range(32)))) == 1
