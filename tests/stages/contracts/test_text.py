"""What every reader of text keeps, whichever it is."""

from __future__ import annotations

import gc
import hashlib
import socket
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from data.errors import ConfigError, StageError, UserError
from stages import BACKENDS
from stages.text.easyocr import EasyOCR, home, letter_score
from stages.text.lines import TextLine
from stages.text.rapidocr import RapidOCR
from tests.checkpoints import ocr as checkpoints

Make = Callable[..., Any]
Picture = NDArray[np.uint8]
READERS: dict[str, tuple[type[Any], dict[str, str]]] = {
    "rapidocr": (RapidOCR, {}),
    "easyocr": (EasyOCR, {}),
    "easyocr, own network": (EasyOCR, {"recogniser": "mine"}),
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints in a folder with a Hangul name."""
    room = tmp_path_factory.mktemp("글자 모델")
    checkpoints.detector(room)
    checkpoints.recogniser(room)
    return checkpoints.own_network(room)


@pytest.fixture
def easy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes an EasyOCR of the checkpoints."""
    checkpoints.trust(folder, monkeypatch)
    monkeypatch.setattr(sys, "path", list(sys.path))  # EasyOCR adds to it

    def build(**options: Any) -> EasyOCR:
        values = {"model_folder": str(folder), "network_folder": str(folder), "device": "cpu"}
        return EasyOCR(EasyOCR.Options(**(values | options)))

    return build


@pytest.fixture(params=READERS)
def make(request: pytest.FixtureRequest, easy: Make) -> Make:
    """Makes one of the readers."""
    kind, options = READERS[request.param]
    return easy if kind is EasyOCR and not options else lambda **more: _other(kind, easy, options | more)


def _other(kind: type[Any], easy: Make, options: dict[str, Any]) -> Any:
    return easy(**options) if kind is EasyOCR else kind(kind.Options(threads=1))


def written(height: int = 64, width: int = 160, at: tuple[int, int] = (10, 42)) -> Picture:
    """A word in white whose strokes are thick enough to be a white bar, too."""
    picture = np.full((height, width, 3), 40, np.uint8)
    cv2.putText(picture, "HARBOUR", at, cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 4)
    return picture


def bar(*corners: tuple[int, int], height: int = 96, width: int = 160) -> Picture:
    picture = np.full((height, width, 3), 40, np.uint8)
    cv2.fillPoly(picture, [np.array(corners)], (255, 255, 255))
    return picture


def near(read: list[list[TextLine]]) -> list[Any]:
    """To compare what is the same but for the order of sums."""
    return [
        [(t.text, pytest.approx(t.score, abs=1e-3), pytest.approx(t.box, abs=1e-2)) for t in lines] for lines in read
    ]


def plain(read: list[list[TextLine]]) -> list[Any]:
    return [[(t.text, t.score, t.box) for t in lines] for lines in read]


def test_every_reader_is_in_the_suite() -> None:
    listed = {target for target in BACKENDS["text"].values() if target}
    assert listed == {f"{kind.__module__}:{kind.__name__}" for kind, _ in READERS.values()}


def test_types_and_boxes(make: Make) -> None:
    backend = make()
    assert isinstance(backend.hangul, bool)
    assert 0 < backend.min_score < 1
    read = backend.read([written()])
    assert len(read) == 1
    assert read[0]
    for line in read[0]:
        assert isinstance(line, TextLine)
        assert line.text
        assert isinstance(line.score, float)
        assert 0 <= line.score <= 1
        x, y, width, height = line.box
        assert min(x, y, width, height) >= 0
        assert max(x + width, y + height) <= 1 + 1e-6
        assert 0.2 < y + height / 2 < 0.8


def test_an_empty_batch_loads_nothing(make: Make) -> None:
    assert make(model_folder="/there/is/none").read([]) == []


def test_odd_sizes(make: Make) -> None:
    odd = [written(1, 1), written(3, 1000), written(160, 60), written(5, 5)]
    assert len(make().read(odd)) == 4


@pytest.mark.slow
def test_a_huge_picture(make: Make) -> None:
    picture = cv2.resize(written(), (3000, 1200), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    assert make().read([picture])[0]


def test_a_picture_without_text(make: Make) -> None:
    assert make().read([np.full((96, 160, 3), 40, np.uint8)] * 2) == [[], []]


def test_grey_as_bgr(make: Make) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(written(), cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR).astype(np.uint8)
    assert plain(make().read([grey])) == near(make().read([written()]))


def test_what_is_read_does_not_depend_on_the_batch(make: Make) -> None:
    pictures = [written(), written(80, 150), written(at=(8, 50)), np.zeros((64, 160, 3), np.uint8)]
    one_by_one = [make().read([each])[0] for each in pictures]
    assert plain(make().read(pictures)) == near(one_by_one)
    assert plain(make(batch=1).read(pictures)) == near(one_by_one)


def test_close_frees_and_the_next_call_loads_again(make: Make) -> None:
    backend = make()
    first = backend.read([written()])
    engine = weakref.ref(next(v for k, v in vars(backend).items() if k in {"_engine", "_loaded"}))
    backend.close()
    gc.collect()
    assert engine() is None
    assert backend.read([written()]) == first
    backend.close()
    backend.close()


def test_a_bar_is_found_where_it_stands(easy: Make) -> None:
    ((line,),) = easy().read([bar((40, 60), (120, 60), (120, 76), (40, 76))])
    assert line.text == "가"
    x, y, width, height = line.box
    assert (x + width / 2, y + height / 2) == (pytest.approx(0.5, abs=0.01), pytest.approx(68 / 96, abs=0.03))
    assert 80 / 160 < width < 104 / 160
    assert 16 / 96 < height < 36 / 96


def test_the_box_of_tilted_text_is_the_upright_one_around_it(easy: Make) -> None:
    tilted = bar((30, 20), (130, 50), (126, 64), (26, 34))
    ((line,),) = easy().read([tilted])
    x, y, width, height = line.box
    assert x < 32 / 160
    assert x + width > 124 / 160
    assert y < 26 / 96
    assert y + height > 58 / 96


def test_your_own_network_reads_what_is_there(easy: Make) -> None:
    """It reads one letter per step, by brightness: the lighter bar comes later in the alphabet."""
    white = bar((40, 30), (120, 30), (120, 54), (40, 54))
    ((light,),) = easy(recogniser="mine").read([white])
    assert set(light.text) <= set("가나다라마바사")
    assert max(light.text) > "다"


def test_hangul_is_what_the_languages_say(easy: Make) -> None:
    assert easy().hangul
    assert not easy(languages=("en",)).hangul


def test_the_weights_follow_the_languages(easy: Make, folder: Path) -> None:
    found, recogniser = easy().weights()
    assert (found.name, found.where) == ("craft_mlt_25k.pth", folder / "craft_mlt_25k.pth")
    assert (recogniser.name, recogniser.licence) == ("korean_g2.pth", "Apache-2.0")
    english = easy(languages=("en",)).weights()[1]
    assert (english.name, english.where, english.cache) == ("english_g2.pth", None, str(folder))
    assert [w.name for w in easy(recogniser="mine").weights()] == ["craft_mlt_25k.pth"]


@pytest.mark.parametrize("languages", [("ko", "ja"), ("klingon",)])
def test_languages_that_do_not_go_together(easy: Make, languages: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=rf"{languages[0]}.*change text\.options\.languages"):
        easy(languages=languages).weights()


def test_identity_names_the_version_and_your_own_files(easy: Make, folder: Path, tmp_path: Path) -> None:
    assert list(easy().identity()) == ["easyocr"]
    mine = easy(recogniser="mine").identity()
    assert list(mine) == ["easyocr", "mine.pth", "mine.yaml", "mine.py"]
    for file in ("mine.pth", "mine.yaml", "mine.py"):
        (tmp_path / file).write_bytes((folder / file).read_bytes() + b"#")
    other = easy(recogniser="mine", model_folder=str(tmp_path), network_folder=str(tmp_path)).identity()
    assert all(other[file] != mine[file] for file in list(mine)[1:])


def test_easyocr_own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("EASYOCR_MODULE_PATH", "MODULE_PATH"):
        monkeypatch.delenv(name, raising=False)
    assert home() == Path.home() / ".EasyOCR"
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path))
    assert home() == tmp_path


def test_offline_nothing_is_fetched(easy: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(socket, "getaddrinfo", _refuse)
    with pytest.raises(UserError, match=r"craft_mlt_25k\.pth.*not on this machine.*`vdesc models fetch`"):
        easy(model_folder=str(tmp_path)).read([written()])


def test_weights_are_fetched_unpacked_and_checked(
    easy: Make, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zipfile

    asked = []

    def download(name: str, url: str, target: Path, progress: Callable[[float, float], None]) -> None:
        asked.append((name, url))
        with zipfile.ZipFile(target, "w") as archive:
            archive.write(folder / target.with_suffix(".pth").name, target.with_suffix(".pth").name)
        progress(1, 1)

    monkeypatch.setattr("stages.text.easyocr.download", download)
    backend = easy(model_folder=str(tmp_path))
    assert backend.read([written()])[0]
    assert [url.rsplit("/", 1)[1] for _, url in asked] == ["craft_mlt_25k.zip", "korean_g2.zip"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["craft_mlt_25k.pth", "korean_g2.pth"]
    backend.weights()[0].fetch(lambda done, total: None)
    assert len(asked) == 2
    from easyocr import config

    monkeypatch.setitem(config.detection_models["craft"], "md5sum", hashlib.md5(b"another").hexdigest())
    (tmp_path / "craft_mlt_25k.pth").unlink()
    with pytest.raises(ConfigError, match=r"craft_mlt_25k\.pth arrived damaged; run the same command again"):
        backend.weights()[0].fetch(lambda done, total: None)
    assert not (tmp_path / "craft_mlt_25k.pth").exists()


def test_weights_of_another_kind_are_named(easy: Make, folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes() if file.suffix != ".pth" else b"no model")
    with pytest.raises(ConfigError, match=r"EasyOCR cannot read its weights.*MD5 mismatch for .*craft.*models fetch"):
        easy(model_folder=str(tmp_path)).read([written()])
    (tmp_path / "craft_mlt_25k.pth").write_bytes((folder / "craft_mlt_25k.pth").read_bytes())
    with pytest.raises(ConfigError, match=r"EasyOCR cannot read its weights.*mend your own network"):
        easy(model_folder=str(tmp_path), recogniser="mine").read([written()])
    with pytest.raises(ConfigError, match=r"EasyOCR cannot read its weights.*nobody\.yaml"):
        easy(recogniser="nobody").read([written()])


def test_an_absent_device_is_an_error(easy: Make) -> None:
    with pytest.raises(ConfigError, match="cuda:7"):
        easy(device="cuda:7").read([written()])


def test_a_missing_package_is_named(easy: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "easyocr", None)
    with pytest.raises(ConfigError, match=r"EasyOCR needs the package easyocr: pip install"):
        easy().read([written()])


def test_rapidocr_without_its_models_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.text.rapidocr.DETECT", "gone.onnx")
    with pytest.raises(StageError, match=r"gone\.onnx.*install it again"):
        RapidOCR(RapidOCR.Options()).read([written()])


@pytest.mark.parametrize("letters", [1, 4, 9, 30])
def test_a_line_is_as_sure_as_its_letters(letters: int) -> None:
    from easyocr.recognition import custom_mean

    assert letter_score(float(custom_mean(np.full(letters, 0.9))), letters) == pytest.approx(0.9)
    assert letter_score(0.0, letters) == 0


def _refuse(*_: object, **__: object) -> None:
    raise AssertionError("the network was asked")
