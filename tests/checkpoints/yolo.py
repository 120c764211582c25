"""Detectors without training: YOLOv8 with random weights, and an ONNX file whose boxes are known."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.text.objects import LEXICON

with LEXICON.open(encoding="utf-8", newline="") as _file:
    LABELS = [row["label"] for row in csv.DictReader(_file)]


def yolov8(folder: Path, name: str = "yolov8n.pt") -> Path:
    """YOLOv8n of random weights that finds a person nearly everywhere."""
    import torch

    from stages.objects.yolo import imported

    ultralytics = imported()
    torch.manual_seed(0)
    model = ultralytics.YOLO("yolov8n.yaml")
    with torch.no_grad():
        for layer, bias in zip(model.model.model[-1].cv3, (-9.0, -9.0, 2.0), strict=True):
            layer[-1].bias[:] = -9.0
            layer[-1].bias[0] = bias
    model.model.names = dict(enumerate(LABELS))
    model.save(str(folder / name))
    return folder / name


BOX = (320.0, 320.0, 200.0, 100.0)
"""Centre x, y, width, height in pixels of the model's picture: a square of 640, or one as small as possible."""


def onnx(folder: Path, batch: int | None, name: str = "known.onnx") -> Path:
    """A model that sees a chair at BOX, and a person at BOX as surely as the picture is dark.

    `batch`: the fixed size of its batches; None: any. Written byte by byte: the onnx package is no dependency.
    """
    weights = np.zeros((6, 3), np.float32)
    weights[4] = -1 / 3
    rows = np.zeros((1, 6, 2), np.float32)
    rows[0, :4] = np.array(BOX)[:, None]
    rows[0, 4, 0], rows[0, 5, 1] = 1.0, 0.75
    nodes = [
        _node("GlobalAveragePool", ["images"], "mean"),
        _node("Reshape", ["mean", "column"], "means"),
        _node("MatMul", ["weights", "means"], "dark"),
        _node("Add", ["dark", "rows"], "output0"),
    ]
    constants = [
        _tensor("column", np.array([-1, 3, 1], np.int64)),
        _tensor("weights", weights),
        _tensor("rows", rows),
    ]
    shape: list[int | str] = [batch, 3, 640, 640] if batch else ["batch", 3, "height", "width"]
    graph = b"".join(
        [*(_bytes(1, node) for node in nodes), _bytes(2, b"known"), *(_bytes(5, tensor) for tensor in constants),
         _bytes(11, _value("images", shape)), _bytes(12, _value("output0", [shape[0], 6, 2]))]
    )  # fmt: skip
    metadata = {
        "stride": "32", "task": "detect", "batch": str(batch or 1), "imgsz": "[640, 640]", "channels": "3",
        "names": "{0: 'person', 1: 'chair'}", "dynamic": str(batch is None), "args": "{'nms': False}",
    }  # fmt: skip
    properties = [_bytes(14, _bytes(1, k.encode()) + _bytes(2, v.encode())) for k, v in metadata.items()]
    opset = _bytes(8, _bytes(1, b"") + _number(2, 13))
    (folder / name).write_bytes(_number(1, 8) + _bytes(7, graph) + opset + b"".join(properties))
    return folder / name


def _node(kind: str, inputs: list[str], output: str) -> bytes:
    return b"".join(_bytes(1, i.encode()) for i in inputs) + _bytes(2, output.encode()) + _bytes(4, kind.encode())


def _tensor(name: str, values: NDArray[Any]) -> bytes:
    kind = {"float32": 1, "int64": 7}[values.dtype.name]
    dims = b"".join(_number(1, size) for size in values.shape)
    return dims + _number(2, kind) + _bytes(8, name.encode()) + _bytes(9, values.tobytes())


def _value(name: str, shape: list[int | str]) -> bytes:
    dims = [_number(1, size) if isinstance(size, int) else _bytes(2, size.encode()) for size in shape]
    tensor = _number(1, 1) + _bytes(2, b"".join(_bytes(1, dim) for dim in dims))
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _number(field: int, value: int) -> bytes:
    """A protobuf field of type varint."""
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    """A protobuf field of type length-delimited."""
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])
