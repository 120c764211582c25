"""What every object detector keeps, whichever it is."""

from __future__ import annotations

import os
import socket
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from data.errors import ConfigError, UserError
from stages import BACKENDS
from stages.objects import ObjectBox
from stages.objects.yolo import Yolo, imported, weights_folder
from tests.checkpoints import yolo as checkpoints

Make = Callable[..., Any]
Picture = NDArray[np.uint8]
DETECTORS: dict[str, tuple[type[Any], str]] = {
    "yolo": (Yolo, "pt"),
    "yolo onnx": (Yolo, "any"),
    "yolo onnx of one": (Yolo, "one"),
    "yolo onnx of four": (Yolo, "four"),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Checkpoints in a folder with a Hangul name."""
    folder = tmp_path_factory.mktemp("모델 폴더")
    return {
        "pt": checkpoints.yolov8(folder, "욜로.pt"),
        "any": checkpoints.onnx(folder, None, "아무거나.onnx"),
        "one": checkpoints.onnx(folder, 1, "한장.onnx"),
        "four": checkpoints.onnx(folder, 4, "네장.onnx"),
    }


@pytest.fixture(params=DETECTORS)
def make(request: pytest.FixtureRequest, files: dict[str, Path]) -> Make:
    """Makes one of the detectors, with other options where they are given."""
    kind, name = DETECTORS[request.param]

    def build(**options: Any) -> Any:
        return kind(kind.Options(**{"weights": str(files[name]), "device": "cpu", "image_size": 128} | options))

    return build


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights."""
    folder = tmp_path / "weights"
    monkeypatch.setattr("stages.objects.yolo.weights_folder", lambda: folder)
    return folder


def picture(height: int, width: int, seed: int = 0) -> Picture:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


def near(found: list[list[ObjectBox]]) -> list[Any]:
    """To compare what is the same but for the order of sums."""
    return [
        [(t.label, pytest.approx(t.score, abs=1e-3), pytest.approx(t.box, abs=1e-2)) for t in each] for each in found
    ]


def plain(found: list[list[ObjectBox]]) -> list[Any]:
    return [[(t.label, t.score, t.box) for t in each] for each in found]


def test_every_detector_is_in_the_suite() -> None:
    listed = {target for target in BACKENDS["objects"].values() if target}
    assert listed == {f"{kind.__module__}:{kind.__name__}" for kind, _ in DETECTORS.values()}


def test_types_boxes_and_order(make: Make) -> None:
    found = make().detect([picture(72, 128), picture(72, 128, 1)])
    assert [bool(things) for things in found] == [True, True]
    for thing in (t for things in found for t in things):
        assert isinstance(thing, ObjectBox)
        assert isinstance(thing.score, float)
        assert thing.label in checkpoints.LABELS
        x, y, width, height = thing.box
        assert min(x, y, width, height) >= 0
        assert max(x + width, y + height) <= 1 + 1e-6
    assert all([t.score for t in things] == sorted((t.score for t in things), reverse=True) for things in found)


def test_an_empty_batch_loads_nothing(make: Make) -> None:
    backend = make(weights="/there/is/none.pt")
    assert backend.detect([]) == []


def test_odd_sizes(make: Make) -> None:
    odd = [picture(1, 1), picture(1, 3000), picture(2160, 3840), picture(90, 60)]
    assert len(make().detect(odd)) == 4


def test_grey(make: Make) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(picture(72, 128), cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR).astype(np.uint8)
    assert make().detect([grey])[0]


def test_what_is_found_does_not_depend_on_the_batch(make: Make) -> None:
    pictures = [np.full((72, 128, 3), 40 * n, np.uint8) for n in range(3)]
    pictures[1:1] = [picture(90, 60), picture(90, 60, 5)]
    one_by_one = [make(batch=1).detect([each])[0] for each in pictures]
    for batch in (1, 2, 8):
        assert plain(make(batch=batch).detect(pictures)) == near(one_by_one)


def test_the_same_again(make: Make) -> None:
    assert make().detect([picture(72, 128)]) == make().detect([picture(72, 128)])


def test_close_frees_and_the_next_call_loads_again(make: Make) -> None:
    backend = make()
    first = backend.detect([picture(72, 128)])
    model = weakref.ref(backend._loaded)
    backend.close()
    assert model() is None
    assert backend.detect([picture(72, 128)]) == first
    backend.close()
    backend.close()


def test_an_absent_device_is_an_error(make: Make) -> None:
    with pytest.raises(ConfigError, match="cuda:7"):
        make(device="cuda:7").detect([picture(72, 128)])


def test_the_file_is_part_of_the_identity(make: Make, tmp_path: Path) -> None:
    known = make().identity()
    other = tmp_path / "other.pt"
    other.write_bytes(b"other weights")
    assert known == make(device="cpu", batch=3).identity() != make(weights=str(other)).identity()


def test_a_missing_package_is_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    with pytest.raises(ConfigError, match=r"needs the package ultralytics: pip install"):
        make().detect([picture(72, 128)])
    with pytest.raises(ConfigError, match=r"needs the package ultralytics: pip install"):
        make(weights="yolov8n.pt").identity()


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04"])
def test_a_damaged_file_is_named(make: Make, tmp_path: Path, content: bytes) -> None:
    file = (tmp_path / "부서진").with_suffix(Path(make().options.weights).suffix)
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{file.name} holds no object detector.*`vdesc models fetch`"):
        make(weights=str(file)).detect([picture(72, 128)])


def test_weights_that_no_detector_has(tmp_path: Path) -> None:
    model = imported().YOLO("yolov8n-cls.yaml")
    model.save(str(tmp_path / "classes.pt"))
    with pytest.raises(ConfigError, match="holds no object detector"):
        Yolo(Yolo.Options(weights=str(tmp_path / "classes.pt"))).detect([picture(72, 128)])


@pytest.mark.parametrize("name", ["nothing.pt", "/there/is/none.pt", "가중치.onnx"])
def test_weights_nobody_has(name: str, nowhere: Path) -> None:
    backend = Yolo(Yolo.Options(weights=name, device="cpu"))
    with pytest.raises(ConfigError, match=rf"no weights {name}: give the path"):
        backend.detect([picture(72, 128)])
    assert [(w.where, w.cache) for w in backend.weights()] == [(None, str((nowhere / name).parent))]
    assert backend.identity() == {"files": None}


def test_offline_nothing_is_fetched(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(socket, "getaddrinfo", _refuse)
    with pytest.raises(UserError, match=r"yolov8n\.pt is not on this machine.*`vdesc models fetch`"):
        Yolo(Yolo.Options(device="cpu")).detect([picture(72, 128)])
    assert not nowhere.exists()


def test_released_weights_are_fetched_into_ultralytics_folder(
    nowhere: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(name: str, url: str, target: Path, progress: Callable[[float, float], None]) -> None:
        asked.append((name, url))
        target.parent.mkdir()
        target.write_bytes(files["pt"].read_bytes())
        progress(5, 5)

    monkeypatch.setattr("stages.objects.yolo.download", download)
    backend = Yolo(Yolo.Options(device="cpu", image_size=128))
    (weights,) = backend.weights()
    assert (weights.licence, weights.where) == ("AGPL-3.0", None)
    assert backend.detect([picture(72, 128)])[0]
    ((name, url),) = asked
    assert name == "yolov8n.pt"
    assert url.startswith("https://github.com/ultralytics/assets/releases/download/v8.")
    assert url.endswith("/yolov8n.pt")
    weights.fetch(lambda done, total: None)
    assert len(asked) == 1
    assert backend.weights()[0].where == nowhere / "yolov8n.pt"


def test_onnx_runtime_without_cuda_does_not_take_the_processor_instead(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr("stages.objects.yolo.device", lambda name: torch.device(name))
    with pytest.raises(ConfigError, match="onnxruntime-gpu"):
        Yolo(Yolo.Options(weights=str(files["any"]), device="cuda")).detect([picture(72, 128)])


def test_boxes_stand_where_the_model_puts_them(files: dict[str, Path]) -> None:
    """A 16:9 picture lies in the square of 640 pixels with 140 above and below."""
    backend = Yolo(Yolo.Options(weights=str(files["one"]), device="cpu"))
    ((person, chair),) = backend.detect([np.zeros((540, 960, 3), np.uint8)])
    assert (person.label, chair.label) == ("person", "chair")
    assert chair.box == pytest.approx((220 / 640, 130 / 360, 200 / 640, 100 / 360), abs=1e-4)
    assert chair.score == pytest.approx(0.75)


def test_nothing_is_written_where_the_program_runs_and_no_setting_is_changed(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Path(imported().settings.file)
    before, threads = settings.read_bytes(), cv2.getNumThreads()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket, "getaddrinfo", _refuse)
    make().detect([picture(72, 128)])
    assert list(tmp_path.iterdir()) == []
    assert settings.read_bytes() == before
    assert cv2.getNumThreads() == threads
    assert os.environ["YOLO_AUTOINSTALL"] == "false"


def test_the_folder_of_weights_stays_in_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ultralytics' default is a folder of the working directory: then its settings' own folder is taken."""

    class Settings(dict[str, str]):
        file = str(tmp_path / "settings.json")

    settings = Settings(weights_dir=str(tmp_path / "here"))
    monkeypatch.setattr("stages.objects.yolo.imported", lambda: SimpleNamespace(settings=settings))
    assert weights_folder() == tmp_path / "here"
    settings["weights_dir"] = "weights"
    assert weights_folder() == tmp_path / "weights"


def _refuse(*_: object, **__: object) -> None:
    raise AssertionError("the network was asked")
