"""Fixed models as architectures: the numbers are the file's, and what isn't a model says so.

The tests of torch and TensorFlow run where these are installed; they are no part of the test requirements.
"""

from __future__ import annotations

import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import gonogo as gg
import pytest
from gonogo.architecture import FixedArchitecture
from gonogo.errors import ArchitectureError, ModelError
from gonogo.hpo import ModelGate
from support.onnx_models import float_nets

TARGET = "stm32f746"


def onnx_file(folder: Path) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(next(float_nets())[1])
    return path


def test_a_tflite_file(deployed_path: str) -> None:
    fixed = gg.Architecture.from_tflite(deployed_path)
    cost, direct = gg.cost(fixed, TARGET), gg.cost(deployed_path, TARGET)
    assert str(cost) == str(direct)
    stored = gg.cost(fixed, "host64")
    assert stored.flash.value == Path(deployed_path).stat().st_size
    assert stored.flash.standing == "exact"
    assert fixed.model({}) is fixed.graph
    assert "digits_int8.tflite" in repr(fixed)


def test_a_gate_of_its_model(deployed_path: str) -> None:
    fixed = gg.Architecture.from_tflite(deployed_path)
    macs = gg.cost(deployed_path, TARGET).core.macs
    for limit, infeasible in ((macs, False), (macs - 1, True)):
        checked = ModelGate(fixed.model, target=TARGET, limits={"macs": limit}).check({})
        assert checked.infeasible is infeasible


def test_an_onnx_file(tmp_path: Path) -> None:
    path = onnx_file(tmp_path)
    assert str(gg.cost(gg.Architecture.from_onnx(path), TARGET)) == str(gg.cost(path, TARGET))


def test_it_travels(deployed_path: str, tmp_path: Path) -> None:
    copy = tmp_path / "x.tflite"
    shutil.copy(deployed_path, copy)
    fixed = gg.Architecture.from_tflite(copy)
    text = pickle.dumps(fixed)
    copy.unlink()
    back = pickle.loads(text)
    assert str(gg.cost(back, TARGET)) == str(gg.cost(deployed_path, TARGET))


def test_parameters_are_refused(deployed_path: str) -> None:
    fixed = gg.Architecture.from_tflite(deployed_path)
    with pytest.raises(ArchitectureError, match="has no parameters, 'width' given; write a build function"):
        fixed.model({"width": 8})
    with pytest.raises(TypeError, match=r"is a fixed model .*ModelGate\(fixed.model"):
        gg.Gate(gg.Space(width=gg.Int(1, 2)), fixed, target=TARGET, limits={"macs": 1})  # type: ignore[arg-type]


def test_the_wrong_kind_names_the_right_function(deployed_path: str, tmp_path: Path) -> None:
    path = onnx_file(tmp_path)
    with pytest.raises(ModelError, match="a TensorFlow Lite file; write Architecture.from_tflite"):
        gg.Architecture.from_onnx(deployed_path)
    with pytest.raises(ModelError, match="no TensorFlow Lite file; write Architecture.from_onnx"):
        gg.Architecture.from_tflite(path)
    (tmp_path / "x.bin").write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="x.bin: no TensorFlow Lite file$"):
        gg.Architecture.from_tflite(tmp_path / "x.bin")
    with pytest.raises(ModelError, match="x.bin"):
        gg.Architecture.from_onnx(tmp_path / "x.bin")
    with pytest.raises(ModelError, match="absent.tflite: no such file"):
        gg.Architecture.from_tflite(tmp_path / "absent.tflite")


def test_an_architecture_is_many_networks() -> None:
    def build(h: Any, net: Any) -> Any:
        return net.dense(net.input(4), h.width)

    architecture: Any = gg.Architecture(gg.Space(width=gg.Int(1, 8)), build)
    with pytest.raises(TypeError, match=r"Architecture given; .*architecture.model\(config\)"):
        gg.cost(architecture, TARGET)


@pytest.mark.parametrize(("module", "make"), [("torch", "from_torch"), ("tensorflow", "from_keras")])
def test_without_the_framework_its_name_is_told(
    monkeypatch: pytest.MonkeyPatch, module: str, make: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    arguments = (None, None) if make == "from_torch" else (None,)
    with pytest.raises(ImportError, match=rf"Architecture.{make} needs {module}.*pip install {module}"):
        getattr(gg.Architecture, make)(*arguments)


# ---- frameworks


def counted(fixed: FixedArchitecture) -> tuple[int, list[str]]:
    return gg.cost(fixed, TARGET).core.macs, [node.op for node in fixed.graph.nodes]


def test_a_torch_module() -> None:
    torch = pytest.importorskip("torch", exc_type=ImportError)
    layers = torch.nn
    module = layers.Sequential(
        layers.Conv2d(1, 8, 3, padding=1), layers.ReLU(), layers.Flatten(), layers.Linear(8 * 64, 10)
    )
    module.train()
    macs, ops = counted(gg.Architecture.from_torch(module, torch.zeros(1, 1, 8, 8)))
    assert macs == 64 * 8 * 9 + 8 * 64 * 10
    assert {"conv2d", "dense"} <= set(ops)
    assert module.training  # left as it was

    class Residual(layers.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm = layers.Conv2d(3, 8, 3, padding=1, stride=2), layers.BatchNorm2d(8)
            self.second, self.last = layers.Conv2d(8, 8, 3, padding=1, groups=8), layers.Linear(8, 10)

        def forward(self, x: Any) -> Any:
            x = torch.relu(self.norm(self.first(x)))
            return self.last((x + self.second(x)).mean((2, 3)))

    macs, ops = counted(gg.Architecture.from_torch(Residual(), torch.zeros(1, 3, 16, 16)))
    assert macs == 64 * 8 * 27 + 64 * 8 * 9 + 8 * 10
    assert {"conv2d", "depthwise_conv2d", "add", "mean", "dense"} <= set(ops)
    with pytest.raises(TypeError, match="pass a torch.nn.Module"):
        gg.Architecture.from_torch("net", torch.zeros(1))
    with pytest.raises(TypeError, match=r"ndarray|tuple|list given; pass a torch.Tensor"):
        gg.Architecture.from_torch(module, [1, 2])
    with pytest.raises(ArchitectureError, match="Sequential: torch.onnx.export failed: RuntimeError: "):
        gg.Architecture.from_torch(module, torch.zeros(1, 3, 8, 8))


def test_a_keras_model() -> None:
    tensorflow = pytest.importorskip("tensorflow", exc_type=ImportError)
    keras = tensorflow.keras
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ],
        name="small",
    )
    fixed = gg.Architecture.from_keras(model)
    macs, ops = counted(fixed)
    assert macs == 64 * 8 * 9 + 8 * 64 * 10
    assert {"conv2d", "dense"} <= set(ops)
    assert fixed.graph.tensor(fixed.graph.inputs[0]).shape == [1, 8, 8, 1]
    assert fixed.name == "small.tflite"
    with pytest.raises(TypeError, match=r"str given; pass a tf.keras.Model"):
        gg.Architecture.from_keras("net")
    with pytest.raises(ArchitectureError, match="no shapes yet; start it with keras.Input"):
        gg.Architecture.from_keras(keras.Sequential([keras.layers.Dense(3)]))
    with pytest.raises(
        ArchitectureError, match=r"input shape \(None, None, 3\); give every size but the batch"
    ):
        gg.Architecture.from_keras(keras.Sequential([keras.Input((None, 3)), keras.layers.Dense(3)]))
