"""Which products of factors enter the formula of each class of kernels, per set of kernels.

The products are the trip counts of the kernels' loops, so that each coefficient is the number of instructions in one
loop's body. docs/cost-model.md explains the factors (`kernel_counts.py` computes them) and the loops.
"""

from __future__ import annotations


def _each(times: tuple[str, ...], per: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{t}*{p}" if p else t for t in times for p in per)


# Four or eight bytes are copied at a time, blocks of 16 and more by a faster path.
_WINDOW_COPY = ("p*wh", *_each(("taps",), ("", "c16", "c16r4", "c4r")), *_each(("pads",), ("", "c")))
_CONV = (
    *_WINDOW_COPY,
    *_each(("p2*n2", "p2*n2r", "p2r*n"), ("k4", "k4r", "")),
    *("p2", "p2r", "call"),
)
_DEPTHWISE_3X3 = (
    *("p", *_each(("p", "trows", "taps"), ("c4", "c4r"))),
    *("p*c4mixed", "call"),
)
_MAX_POOL = (
    *("p", "trows", *_each(("later",), ("", "c4", "c4r"))),
    *("p*c4", "p*c4r", "call"),
)
# Helium's matrix product, 4 positions by one output; the others one by one.
_HELIUM_PRODUCT = ("p4*n*k16u", "p4*n", "p4", "p4r*n*k16u", "p4r*n")
_HELIUM_COPY = ("p", "p*wh", "taps", "taps*c16u", "pads", "pads*c16u")

_PLAIN = {
    "conv_1x1": (
        *_each(("products*p2*n2", "products*p2r*n2", "products*p*n2r"), ("k", "")),
        *("products*n2*k", "products*n2", "products", "call"),
    ),
    "conv_general": _CONV,
    "depthwise_3x3": _DEPTHWISE_3X3,
    "depthwise_general": ("p", "p*n", "trows*n", "taps*n", "call"),
    "dense": (*_each(("products*n3", "products*n3r"), ("k", "")), "products*n3some", "products"),
    "max_pool": _MAX_POOL,
    "average_pool": ("p", "p*c", "trows*c", "taps*c", "rows", "call"),
    "add": ("o4", "o4r", "call"),
}
_DSP = {
    "conv_1x1": (
        *_each(
            ("products*p2*n2", "products*p2r*n2", "products*p*n2r"), ("k16", "k16r4", "k4r", "k16mixed", "")
        ),
        *_each(("products*n2",), ("k4", "k4r", "")),
        *("products", "call"),
    ),
    "conv_general": _CONV,
    "depthwise_3x3": _DEPTHWISE_3X3,
    "depthwise_general": (
        *("p", *_WINDOW_COPY),
        *("p*c4", "p*c4*w2", "p*c4*w2r", "p*c4r", "p*c4r*w", "call"),
    ),
    "dense": (
        *_each(("products*n2",), ("k4", "k4r", "k4mixed", "")),
        *_each(("products*n2r",), ("k4", "k4mixed", "")),
        "products*n2some",
        "products",
    ),
    "max_pool": _MAX_POOL,
    "average_pool": ("p", "trows", "taps", "taps*c4", "taps*c4r", "p*c4", "p*c4r", "rows", "call"),
    "add": ("o4", "o4r", "call"),
}
_HELIUM_DEPTHWISE = (
    *(f"{t}*blocks" if "c16u" not in t else t for t in _HELIUM_COPY),
    *("p4*blocks", "p4*c4u", "p4*c4u*w", "p4r*c4u", "p4r*c4u*w", "blocks", "call"),
)
_HELIUM = {
    "conv_1x1": (*(f"products*{t}" for t in (*_HELIUM_PRODUCT, "p4r")), "products", "call"),
    "conv_general": (*_HELIUM_COPY, *_HELIUM_PRODUCT, "p4odd", "call"),
    "depthwise_3x3": _HELIUM_DEPTHWISE,
    "depthwise_general": _HELIUM_DEPTHWISE,
    "dense": (
        *_each(("products*n4", "products*n4r"), ("k16u", "")),
        "products*n4odd",
        "products*n4some",
        "products",
    ),
    "max_pool": ("p", "trows", "later", "later*c16u", "p*c16u", "call"),
    "average_pool": ("p", "p*c16u", "trows*c16u", "taps*c16u", "call"),
    "add": ("o4", "o4r", "call"),
}
# Kernels of TFLM that are the same C++ on every core.
_REFERENCE = {
    "depthwise_plain": ("taps*n", "p*n"),
    "mean": ("inputs", "outputs", "call"),
    "softmax": ("outputs", "call"),
    "quantize": ("outputs", "call"),
    "dequantize": ("outputs", "call"),
    "requantize": ("outputs", "call"),
    "copy": ("outputs", "call"),
    "pad": ("outputs", "rows", "call"),
    "shape": ("call",),
    "pack": ("outputs", "call"),
    "permute": ("outputs", "call"),
    "sigmoid": ("outputs",),
}
TERMS = {
    "plain": {**_PLAIN, **_REFERENCE},
    "dsp": {**_DSP, **_REFERENCE},
    "mve": {**_HELIUM, **_REFERENCE},
}
