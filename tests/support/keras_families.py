"""The families of architectures (support/families.py) as Keras networks of one configuration, and their int8 files."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

Config = dict[str, Any]


def kws(c: Config) -> Any:
    from keras import Input, Model, layers

    def activation(x: Any) -> Any:
        return layers.ReLU(6.0 if c["activation"] == "relu6" else None)(x)

    start = Input((c["height"], 10, 1), batch_size=1)
    x = layers.Conv2D(
        c["width"], (c["first_kernel"], 4), c["first_stride"], padding="same", activation="relu"
    )(start)
    for _ in range(c["blocks"]):
        x = activation(layers.DepthwiseConv2D(c["kernel"], padding="same")(x))
        x = layers.Conv2D(c["width"], 1, padding="same", activation="relu")(x)
    if c["head"] == "mean":
        x = layers.Dense(12)(layers.GlobalAveragePooling2D()(x))
    elif c["head"] == "pool":
        x = layers.Dense(12)(layers.Flatten()(layers.AveragePooling2D(2)(x)))
    else:
        x = layers.Dense(12)(layers.Dense(c["units"], activation="relu")(layers.Flatten()(x)))
    return Model(start, layers.Softmax()(x))


def resnet(c: Config) -> Any:
    from keras import Input, Model, layers

    def scaled(channels: int) -> int:
        exact = Fraction(repr(c["alpha"])) * channels
        return max(4, math.floor(exact / 4 + Fraction(1, 2)) * 4)

    def conv(x: Any, channels: int, kernel: int, stride: int = 1, relu: bool = True) -> Any:
        return layers.Conv2D(channels, kernel, stride, padding="same", activation="relu" if relu else None)(x)

    def block(x: Any) -> Any:
        channels = x.shape[-1]
        if c["bottleneck"]:
            narrow = max(channels // 4, 1)
            y = conv(conv(conv(x, narrow, 1), narrow, 3), channels, 1, relu=False)
        else:
            y = conv(conv(x, channels, 3), channels, 3, relu=False)
        return layers.ReLU()(layers.Add()([y, x]))

    start = Input((c["size"], c["size"], 3), batch_size=1)
    x = conv(start, scaled(c["first"]), c["stem"], c["stride"])
    if c["pool"]:
        x = layers.MaxPooling2D(2)(x)
    for stage in range(c["stages"]):
        if stage:
            channels = scaled(c["first"] * 2**stage)
            shortcut = conv(x, channels, 1, 2, relu=False)
            x = conv(conv(x, channels, 3, 2), channels, 3, relu=False)
            x = layers.ReLU()(layers.Add()([x, shortcut]))
        for _ in range(c[f"blocks_{stage + 1}"]):
            x = block(x)
    return Model(start, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def mixed(c: Config) -> Any:
    from keras import Input, Model, layers

    start = Input((c["size"], c["size"], 1), batch_size=1)
    x = layers.ZeroPadding2D(((1, 2), (0, 1)))(start) if c["pad"] else start
    if c["kind"] == "mlp":
        x = layers.AveragePooling2D(2, padding="same")(x)
    else:
        filters = max(math.floor(Fraction(repr(c["growth"])) * c["filters"]), 1)
        for _ in range(c["depth"]):
            before = x
            if c["kind"] == "separable":
                x = layers.DepthwiseConv2D(3, padding="same")(x)
                x = layers.ReLU(6.0)(layers.Conv2D(filters, 1, padding="same")(x))
            else:
                x = layers.Conv2D(c["filters"], c["kernel"], padding="same", activation="relu")(x)
                if c.get("branch"):
                    x = layers.Concatenate()([x, layers.Conv2D(filters, 1, padding="same")(before)])
        x = layers.MaxPooling2D(2, 2, padding="same")(x)
    y = layers.Dense(c["units"], activation="relu")(layers.Flatten()(x))
    for _ in range(c["layers"]):
        narrow = -(-c["units"] // 2) if c.get("narrow") else c["units"]
        y = layers.Dense(narrow, activation="relu")(y)
    y = layers.Dense(10)(y)
    ends = {"softmax": layers.Softmax, "sigmoid": lambda: layers.Activation("sigmoid")}
    return Model(start, ends[c["end"]]()(y) if c["end"] in ends else y)


NETWORKS = {"kws": kws, "resnet": resnet, "mixed": mixed}


def exported(family: str, config: Config, seed: int) -> bytes:
    """The converter's file: int8 throughout, or float32."""
    import keras
    import tensorflow as tf

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model = NETWORKS[family](config)
    # The converter stores constants of equal values once, and leaves out biases of zero.
    values = np.random.default_rng(seed)
    for weights in model.weights:
        weights.assign(values.normal(0, 0.2, weights.shape))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if config["bits"] == 8:
        shape = model.input_shape
        rng = np.random.default_rng(seed)

        def samples() -> Any:
            for _ in range(3):
                yield [rng.normal(0, 1, shape).astype(np.float32)]

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())
