"""The contract of every face backend: same types out, whatever goes in."""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from data.errors import ConfigError
from stages.faces import FaceBox
from stages.faces.cascade import Cascade
from stages.faces.deepface import DeepFace
from stages.faces.identity import name_faces
from tests.checkpoints import faces as checkpoint

Picture = NDArray[np.uint8]
ROOT = Path(__file__).parents[3]
PATCH = pytest.MonkeyPatch


def deepface(**options: Any) -> DeepFace:
    chosen = {"detector": checkpoint.DETECTOR, "model": checkpoint.MODEL, "device": "cpu"} | options
    return DeepFace(DeepFace.Options(**chosen))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoint.build(tmp_path_factory.mktemp("얼굴 가중치"))


@pytest.fixture(autouse=True)
def _home(weights: Path, monkeypatch: PATCH) -> None:
    checkpoint.home(weights, monkeypatch)


BACKENDS: dict[str, Callable[[], Any]] = {"cascade": lambda: Cascade(Cascade.Options()), "deepface": deepface}


@pytest.fixture(params=list(BACKENDS))
def backend(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = BACKENDS[request.param]()
    yield made
    made.close()


@pytest.fixture(scope="module")
def two(media: Path) -> Picture:
    return photograph(media, "two_people")


def photograph(media: Path, name: str) -> Picture:
    picture = cv2.imread(str(media / "faces" / f"{name}.jpg"))
    assert picture is not None
    return cv2.resize(picture, (640, 640 * picture.shape[0] // picture.shape[1])).astype(np.uint8)


def test_no_pictures_no_faces(backend: Any) -> None:
    assert backend.detect([]) == []


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 400), (400, 1), (7, 9)])
def test_pictures_too_small_for_a_face(backend: Any, height: int, width: int) -> None:
    assert backend.detect([np.full((height, width, 3), 90, np.uint8)]) == [[]]


def test_faces_of_each_picture(backend: Any, two: Picture) -> None:
    empty = np.full((300, 400, 3), 120, np.uint8)
    found = backend.detect([empty, two, empty])
    assert [len(faces) for faces in found] == [0, 2, 0]
    for face in found[1]:
        assert isinstance(face, FaceBox)
        assert 0 <= face.score <= 1
        x, y, w, h = face.box
        assert min(x, y) >= 0
        assert 0 < w <= 1 - x
        assert 0 < h <= 1 - y
    middles = sorted(face.box[0] + face.box[2] / 2 for face in found[1])
    assert 0.1 < middles[0] < 0.45 < 0.6 < middles[1] < 0.95  # one left, one right


def same(one: list[list[FaceBox]], other: list[list[FaceBox]]) -> None:
    """Equal but for the last bits of embeddings, in which the vector units of one processor differ by alignment."""
    for ours, theirs in zip(one, other, strict=True):
        assert [(f.score, f.box, f.emotion) for f in ours] == [(f.score, f.box, f.emotion) for f in theirs]
        assert [f.embedding is None for f in ours] == [f.embedding is None for f in theirs]
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.embedding or 0, b.embedding or 0, atol=1e-5)


def test_one_picture_or_many_is_the_same(backend: Any, two: Picture, media: Path) -> None:
    other = photograph(media, "obama")
    same([backend.detect([picture])[0] for picture in (two, other)], backend.detect([two, other]))


def test_the_same_twice(backend: Any, two: Picture) -> None:
    same(backend.detect([two]), backend.detect([two]))


def test_grey_pictures(backend: Any, two: Picture) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(two, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR).astype(np.uint8)
    (found,) = backend.detect([grey])
    assert len(found) <= 2


@pytest.mark.slow
def test_huge_pictures(backend: Any, two: Picture) -> None:
    huge = cv2.resize(two, (8000, 8000 * two.shape[0] // two.shape[1])).astype(np.uint8)
    (found,) = backend.detect([huge])
    assert len(found) == 2


def test_close_frees_and_the_next_call_loads_again(backend: Any, two: Picture) -> None:
    before = backend.detect([two])
    if isinstance(backend, Cascade):
        assert backend._models  # OpenCV's own objects cannot be watched
    models = [weakref.ref(model) for model in held(backend)]
    backend.close()
    gc.collect()
    assert [model for model in models if model() is not None] == []
    assert not (isinstance(backend, Cascade) and backend._models)
    backend.close()  # twice does no harm
    same(backend.detect([two]), before)


def held(backend: Any) -> list[Any]:
    """The networks a backend holds while it is loaded."""
    if isinstance(backend, Cascade):
        return []
    kept = sys.modules["deepface.modules.modeling"].cached_models["face_detector"]  # type: ignore[attr-defined]
    return [backend._loaded.recogniser.model, backend._loaded.emotion.model, kept[checkpoint.DETECTOR]]


# What only a backend with weights can do wrong.


def test_deepface_gives_what_deepface_gives(two: Picture) -> None:
    from deepface.modules.demography import analyze
    from deepface.modules.representation import represent

    (ours,) = deepface().detect([two])
    theirs = represent(two, model_name=checkpoint.MODEL, detector_backend=checkpoint.DETECTOR)
    moods = analyze(two, actions=("emotion",), detector_backend=checkpoint.DETECTOR, silent=True)
    height, width = two.shape[:2]
    assert len(ours) == len(theirs) == len(moods) == 2
    theirs, moods = sorted(theirs, key=lambda f: f["facial_area"]["x"]), sorted(moods, key=lambda f: f["region"]["x"])
    for face, other, mood in zip(ours, theirs, moods, strict=True):
        np.testing.assert_allclose(face.embedding, other["embedding"], atol=1e-4)
        area = other["facial_area"]
        assert face.box == pytest.approx((area["x"] / width, area["y"] / height, area["w"] / width, area["h"] / height))
        assert face.emotion == mood["dominant_emotion"]


def test_deepface_tells_the_same_face_from_another(two: Picture) -> None:
    left, right = two[:, : two.shape[1] // 2], two[:, two.shape[1] // 2 :]
    backend = deepface()
    known = {name: [found[0].embedding] for name, found in zip("LR", backend.detect([left, right]), strict=True)}
    (both,) = backend.detect([two])
    named = name_faces([("k1", f.embedding) for f in both], known, backend.metric, backend.threshold)  # type: ignore[arg-type]
    assert named == ["L", "R"]


def test_threshold_and_metric_are_deepface_s_own() -> None:
    from deepface.config.threshold import thresholds

    for model, metric in (("Facenet512", "cosine"), ("ArcFace", "angular"), ("OpenFace", "euclidean_l2")):
        backend = deepface(model=model, metric=metric)
        assert (backend.metric, backend.threshold) == (metric, thresholds[model][metric])


def test_small_faces_are_counted_but_not_recognised(two: Picture) -> None:
    (found,) = deepface(min_pixels=2000).detect([two])
    assert [(f.embedding, f.emotion) for f in found] == [(None, None)] * 2


def test_expressions_can_be_left_out(two: Picture, tmp_path: Path, monkeypatch: PATCH) -> None:
    checkpoint.home(checkpoint.build(tmp_path, "openface"), monkeypatch)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    backend = deepface(emotion=False)
    assert [f.emotion for f in backend.detect([two])[0]] == [None, None]
    assert len(backend.weights()) == 1


def test_missing_weights_offline(two: Picture, tmp_path: Path, monkeypatch: PATCH) -> None:
    checkpoint.home(tmp_path, monkeypatch)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match=r"openface_weights\.pth is not on this machine.*vdesc models fetch"):
        deepface().detect([two])


@pytest.mark.parametrize("content", [b"", b"<html>Not Found</html>", "foreign"])
def test_damaged_weights(content: bytes | str, two: Picture, tmp_path: Path, monkeypatch: PATCH) -> None:
    file = checkpoint.build(checkpoint.home(tmp_path, monkeypatch)) / ".deepface" / "weights" / "openface_weights.pth"
    emotion = file.with_name("facial_expression_model_weights.pth")
    file.write_bytes(emotion.read_bytes() if isinstance(content, str) else content)
    with pytest.raises(ConfigError, match=r"openface_weights\.pth is damaged.*vdesc models fetch"):
        deepface().detect([two])


def test_absent_device(two: Picture) -> None:
    with pytest.raises(ConfigError, match="no device cuda:99"):
        deepface(device="cuda:99").detect([two])


def test_missing_package(two: Picture, monkeypatch: PATCH) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == "deepface"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "deepface", None)
    with pytest.raises(ConfigError, match="pip install 'videodescription"):
        deepface().detect([two])


def test_identity_and_weights_load_nothing() -> None:
    code = (
        "import sys; from stages.faces.deepface import DeepFace as D; d = D(D.Options());"
        "print(d.identity(), [(w.name, w.licence, w.size) for w in d.weights()]);"
        "sys.exit(any(m in sys.modules for m in ('torch', 'tensorflow', 'deepface', 'cv2')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "facenet512_weights.pth" in done.stdout
    assert "retinaface.pth" in done.stdout


def test_nothing_is_printed_and_tensorflow_is_left_alone(media: Path) -> None:
    code = (
        "import sys, cv2; from stages.faces.deepface import DeepFace as D\n"
        "d = D(D.Options(detector='opencv', model='OpenFace', device='cpu'))\n"
        f"found = d.detect([cv2.imread({str(media / 'faces' / 'two_people.jpg')!r})])\n"
        "sys.exit(len(found[0]) != 2 or 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_retinaface_and_facenet512_load_and_run(tmp_path: Path, monkeypatch: PATCH, two: Picture) -> None:
    checkpoint.home(checkpoint.build(tmp_path, "retinaface", "facenet512", "emotion"), monkeypatch)
    backend, filters = DeepFace(DeepFace.Options(device="cpu")), list(warnings.filters)
    (found,) = backend.detect([cv2.resize(two, (160, 90)).astype(np.uint8)])
    assert found == []  # random weights are never sure of a face
    assert warnings.filters == filters  # retina-face would switch all warnings off
    backend.close()
    assert "model" not in vars(sys.modules["retinaface.RetinaFace"])
