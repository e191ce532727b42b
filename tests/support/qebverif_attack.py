"""Inputs at which the quantised and the float network differ most: lower bounds on what any proof must allow.

Nothing here is trusted: whatever the search returns is evaluated again in exact arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from support.qebverif import INPUT_BITS, Dnn, Image, Qnn, exact_difference


@dataclass(frozen=True)
class Attack:
    """Two images and the exact QNN - DNN there."""

    low_image: np.ndarray
    high_image: np.ndarray
    low: Fraction
    high: Fraction

    @property
    def width(self) -> float:
        """Rounded down, near enough: the width of the range reached, below that of any valid interval."""
        return float(np.nextafter(float(self.high - self.low), 0.0))


class Difference:
    """QNN_c - DNN_c in float64, on many images, with a slope that sees through the rounding."""

    def __init__(self, qnn: Qnn, dnn: Dnn, output: int) -> None:
        self.qnn, self.output = qnn, output
        last = len(qnn.weights) - 1
        pick = slice(output, output + 1)
        rows = [slice(None) if i < last else pick for i in range(last + 1)]
        self.qw = [w[r].astype(np.float64) for w, r in zip(qnn.weights, rows, strict=True)]
        fractions = [INPUT_BITS] + [qnn.bits - 2] * last
        self.drop = [f + 1 for f in fractions]  # from f + Q - 1 fractional bits to Q - 2
        self.qb = [b[r] * 2.0**d for b, r, d in zip(qnn.biases, rows, self.drop, strict=True)]
        self.dw = [x.weights[r].astype(np.float64) for x, r in zip(dnn.layers, rows, strict=True)]
        self.db = [x.bias[r].astype(np.float64) for x, r in zip(dnn.layers, rows, strict=True)]
        self.first_q, self.first_d = self.qw[0].T.copy(), self.dw[0].T.copy() / 255.0

    def sums(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums of the first layer, of both networks."""
        return x @ self.first_q + self.qb[0], x @ self.first_d + self.db[0]

    def hidden(self, q: np.ndarray, layer: int) -> np.ndarray:
        scale = 2.0 ** -self.drop[layer]
        return np.clip(np.floor(q * scale + 0.5), 0, self.qnn.top)

    def from_sums(self, q: np.ndarray, d: np.ndarray) -> np.ndarray:
        """The difference from the sums of the first layer."""
        for i in range(1, len(self.qw)):
            q = self.hidden(q, i - 1) @ self.qw[i].T + self.qb[i]
            d = np.maximum(d, 0) @ self.dw[i].T + self.db[i]
        return q[..., 0] * 2.0**-self.qnn.shift - d[..., 0]

    def slope(self, x: np.ndarray) -> np.ndarray:
        """Derivative by the pixels, as if the quantised network didn't round."""
        q, d = self.sums(x)
        open_q, open_d = [], []
        for i in range(1, len(self.qw)):
            open_q.append((q > 0) & (q < self.qnn.top * 2.0 ** self.drop[i - 1]))
            open_d.append(d > 0)
            q = self.hidden(q, i - 1) @ self.qw[i].T + self.qb[i]
            d = np.maximum(d, 0) @ self.dw[i].T + self.db[i]
        unit = 2.0 ** -(self.qnn.bits - 1)
        gq = np.repeat(self.qw[-1] * unit, len(x), axis=0)
        gd = np.repeat(self.dw[-1], len(x), axis=0)
        for i in range(len(self.qw) - 2, -1, -1):
            gq = (gq * open_q[i]) @ (self.qw[i] * unit)
            gd = (gd * open_d[i]) @ self.dw[i]
        return gq * 2.0**-INPUT_BITS - gd / 255.0


def climb(
    f: Difference,
    lo: np.ndarray,
    hi: np.ndarray,
    sign: float,
    r: np.random.Generator,
    starts: int,
    steps: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Best images and values of every start, by steps towards the corner that the slope points to.

    The starts move different shares of the pixels at a time: large moves all end in one place, small ones don't.
    """
    x = np.where(r.random((starts, len(lo))) < 0.5, lo, hi)
    x[0] = np.round((lo + hi) / 2)
    share = 0.5 ** (np.arange(starts) % 6)[:, None]
    best, value = x.copy(), sign * f.from_sums(*f.sums(x))
    for _ in range(steps):
        corner = np.where(sign * f.slope(x) > 0, hi, lo)
        x = np.where(r.random(x.shape) < share, corner, x)
        found = sign * f.from_sums(*f.sums(x))
        better = found > value
        best[better], value[better] = x[better], found[better]
    return best, value


def polish(
    f: Difference, lo: np.ndarray, hi: np.ndarray, sign: float, x: np.ndarray, rounds: int
) -> tuple[np.ndarray, float]:
    """Coordinate search: in each round the pixels that help most by themselves are moved together."""
    x = x.astype(np.float64)
    value = sign * float(f.from_sums(*(s[0] for s in f.sums(x[None]))))
    together, fine = 16, False
    for _ in range(rounds):
        q, d = f.sums(x[None])
        targets = np.stack([np.maximum(x - 1, lo), np.minimum(x + 1, hi)] if fine else [lo, hi])
        delta = (targets - x)[:, :, None]
        gains = sign * f.from_sums(q + delta * f.first_q, d + delta * f.first_d)
        choice, gain = gains.argmax(axis=0), gains.max(axis=0)
        order = np.argsort(-gain)
        while True:
            chosen = order[:together]
            chosen = chosen[gain[chosen] > value]
            trial = x.copy()
            trial[chosen] = targets[choice[chosen], chosen]
            found = sign * float(f.from_sums(*(s[0] for s in f.sums(trial[None]))))
            if found > value or together == 1:
                break
            together //= 2
        if found > value:
            x, value, together = trial, found, min(2 * together, 64)
        elif fine:
            break
        else:
            fine, together = True, 16
    return x, value


def attack(
    qnn: Qnn,
    dnn: Dnn,
    image: Image,
    *,
    starts: int = 96,
    steps: int = 40,
    polished: int = 3,
    rounds: int = 60,
    seed: int = 0,
) -> Attack:
    """Range of QNN - DNN of the image's class that is really reached over the image's box."""
    r = np.random.default_rng(seed)
    f = Difference(qnn, dnn, image.label)
    lo, hi = (v.astype(np.float64) for v in image.box())
    ends = {}
    for sign in (-1.0, 1.0):
        points, values = climb(f, lo, hi, sign, r, starts, steps)
        order = np.argsort(-values)[:polished]
        found = [polish(f, lo, hi, sign, points[i], rounds) for i in order]
        x = max(found, key=lambda pair: pair[1])[0].astype(np.int64)
        assert np.all((image.box()[0] <= x) & (x <= image.box()[1]))
        ends[sign] = (x, exact_difference(qnn, dnn, x, image.label))
    return Attack(ends[-1.0][0], ends[1.0][0], ends[-1.0][1], ends[1.0][1])
