"""Text by EasyOCR (Apache-2.0): CRAFT finds it (Baek et al. 2019), a CRNN reads it (Shi et al. 2017).

EasyOCR gives a line the confidence (∏p)^(2/√n) of its n letters, so that a long line of sure letters scores less than
a short one. It is turned back into the mean of the letters, which is what other readers give and what the limits of
the later stages are made for.
"""

from __future__ import annotations

import math
import os
import pickle
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from data.errors import ConfigError
from data.messages import tr
from stages.backend import Progress, Resources, Weights
from stages.download import download, unzip, verify
from stages.loading import loading, out_of_memory
from stages.models import FREE, ModelBackend, ModelOptions, by_shape, device, fingerprint, in_batches, on_device
from stages.text import Reader
from stages.text.lines import TextLine, upright

if TYPE_CHECKING:
    from numpy.typing import NDArray

STANDARD = "standard"
SIZES = {"craft_mlt_25k.pth": 77_000_000, "korean_g2.pth": 15_000_000, "english_g2.pth": 14_000_000}
"""Bytes of the zips, about; the files in them are 83, 16 and 15 MB, which is what their parameters take."""
UNREADABLE = (RuntimeError, OSError, EOFError, KeyError, TypeError, AttributeError, ImportError, pickle.UnpicklingError)
"""What EasyOCR raises for weights that are damaged or belong to another network."""
LONGEST = 40
"""Most times one side of a picture may be longer than the other: the detector scales the longer one to size, and
nothing may be left of the shorter one. Longer ones are stretched."""


class EasyOCR(ModelBackend, Reader):
    """Reads text of the configured languages, tilted text too."""

    packages = ("torch", "easyocr")
    min_score = 0.8
    """Mean confidence of the letters from which a line is believed. Not measured: no weights were at hand. Raw, it is
    0.41 for four letters and 0.26 for nine."""

    class Options(ModelOptions):
        """Settings of EasyOCR."""

        batch: int = Field(
            4,
            ge=1,
            description="Most pictures searched at once (1 GB for 4 of 960×540), halved where memory is short; the CPU "
            "always takes one, which is faster there",
            json_schema_extra=FREE,
        )
        languages: tuple[str, ...] = Field(
            ("ko", "en"),
            min_length=1,
            description="Codes of EasyOCR (ko, en, ja, ch_sim …); Korean, Japanese, Chinese go with en alone",
        )
        model_folder: str | None = Field(
            None, description="Folder of the .pth files; none: EasyOCR's own (~/.EasyOCR/model)"
        )
        recogniser: str = Field(
            STANDARD,
            description="standard, or the name of your own network: NAME.pth in the model folder, NAME.yaml and "
            "NAME.py in the network folder. It runs that code. Read it first",
        )
        network_folder: str | None = Field(
            None, description="Folder of your own network's .yaml and .py; none: ~/.EasyOCR/user_network"
        )

    options: Options

    @property
    def hangul(self) -> bool:
        """Whether it can read Korean."""
        return "ko" in self.options.languages

    def identity(self) -> dict[str, Any]:
        """The version of EasyOCR, which names the checksums of its weights; for your own network, its files."""
        from importlib.metadata import version

        with loading("EasyOCR"):
            known = {"easyocr": version("easyocr")}
        return known | {path.name: fingerprint(path) for path in self._own() if path.is_file()}

    def weights(self) -> Sequence[Weights]:
        """The detector and the recogniser. Raises ConfigError for languages that do not go together."""
        return [self._weights(model) for model in self._models()]

    def resources(self) -> Resources:
        """Its tables of weights are not asked: that would import torch."""
        return on_device(self.options.device, [None])

    def read(self, images: Sequence[NDArray[np.uint8]]) -> list[list[TextLine]]:
        """The lines of each picture (H×W×3 BGR), unsorted; the box of a tilted line is the upright one around it.

        Text is searched in pictures of one size together, save on the CPU, where a batch of four takes a third longer
        than four in turn (measured); what is found is read picture by picture.
        Raises ConfigError where the models cannot be loaded.
        """
        if self._loaded is None and images:
            self._loaded = self._load()
        read: list[list[TextLine]] = [[] for _ in images]
        shown = [_shown(image) for image in images]
        size = self.options.batch if self._loaded and self._loaded.device != "cpu" else 1
        for alike in by_shape(shown):
            batch = [shown[i] for i in alike]
            for i, lines in zip(alike, in_batches(batch, size, self._forward, "EasyOCR"), strict=True):
                read[i] = lines
        return read

    def _forward(self, images: Sequence[NDArray[np.uint8]]) -> list[list[TextLine]]:
        with _quiet():
            straight, tilted = self._loaded.detect(np.stack(images), reformat=False)
            return [self._lines(*found) for found in zip(images, straight, tilted, strict=True)]

    def _lines(self, image: NDArray[np.uint8], straight: list[Any], tilted: list[Any]) -> list[TextLine]:
        """What stands in the found boxes. A batch of one would be read at another width, so it is never that."""
        import cv2

        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        read = self._loaded.recognize(grey, straight, tilted, batch_size=max(self.options.batch, 2), reformat=False)
        size = np.array(grey.shape[::-1], float)
        return [
            TextLine(text.strip(), letter_score(float(score), len(text)), upright(np.asarray(corners, float) / size))
            for corners, text, score in read
            if text.strip()
        ]

    def _load(self) -> Any:
        where, folder = device(self.options.device), self._folder()
        with loading("EasyOCR"), _quiet():
            import easyocr

            for model in self._models():
                self._fetch(model, lambda done, total: None)
            easyocr.easyocr.imgH = easyocr.config.imgH  # one of your own networks changes it for all
            try:
                reader = easyocr.Reader(
                    list(self.options.languages), gpu=False if where.type == "cpu" else str(where),
                    model_storage_directory=str(folder), user_network_directory=self._network_folder(),
                    recog_network=self.options.recogniser, download_enabled=False, verbose=False,
                    quantize=False,  # deprecated in torch, and not the same result as on a GPU
                )  # fmt: skip
            except UNREADABLE as error:
                if out_of_memory(error):
                    raise
                raise ConfigError(_unreadable(folder, error)) from error
        # EasyOCR spreads each batch over all GPUs; the one that was asked for is enough.
        reader.detector = getattr(reader.detector, "module", reader.detector)
        reader.recognizer = getattr(reader.recognizer, "module", reader.recognizer).eval()
        return reader

    def _models(self) -> list[dict[str, str]]:
        """What EasyOCR's tables say of the weights it needs: filename, url, md5sum …"""
        with loading("EasyOCR"):
            from easyocr import config
        models = [config.detection_models["craft"]]
        if self.options.recogniser == STANDARD:
            models.append(_recogniser(self.options.languages, self._folder(), self._network_folder()))
        return models

    def _weights(self, model: dict[str, str]) -> Weights:
        file = self._folder() / model["filename"]
        return Weights(
            file.name, "Apache-2.0", SIZES.get(file.name), file if file.is_file() else None, str(file.parent),
            partial(self._fetch, model),
        )  # fmt: skip

    def _fetch(self, model: dict[str, str], progress: Progress) -> None:
        """Download one set of weights; nothing where it is here. Raises ConfigError."""
        file = self._folder() / model["filename"]
        if file.is_file():
            return
        archive = file.with_suffix(".zip")
        download(f"EasyOCR ({file.name})", model["url"], archive, progress)
        unzip(f"EasyOCR ({file.name})", archive, file.name, file)
        verify(file, "md5", model["md5sum"], file.name)

    def _folder(self) -> Path:
        return Path(self.options.model_folder or home() / "model").expanduser()

    def _network_folder(self) -> str:
        return str(Path(self.options.network_folder or home() / "user_network").expanduser())

    def _own(self) -> list[Path]:
        """The files of your own network; none where EasyOCR's is used."""
        name, code = self.options.recogniser, Path(self._network_folder())
        return [] if name == STANDARD else [self._folder() / f"{name}.pth", code / f"{name}.yaml", code / f"{name}.py"]


def home() -> Path:
    """EasyOCR's own folder, as its configuration has it."""
    return Path(os.environ.get("EASYOCR_MODULE_PATH") or os.environ.get("MODULE_PATH") or "~/.EasyOCR").expanduser()


def letter_score(line: float, letters: int) -> float:
    """The geometric mean confidence of the letters of a line, from the (∏p)^(2/√n) that EasyOCR gives it."""
    return float(min(max(line, 0.0), 1.0) ** (1 / (2 * math.sqrt(max(letters, 1)))))


def _recogniser(languages: Sequence[str], folder: Path, networks: str) -> dict[str, str]:
    """The row of EasyOCR's tables for these languages. Raises ConfigError for those that do not go together.

    A reader without models chooses it, and keeps nothing of it but its characters.
    """
    import easyocr

    try:
        chosen = easyocr.Reader(
            list(languages), gpu=False, detector=False, recognizer=False, download_enabled=False, verbose=False,
            model_storage_directory=str(folder), user_network_directory=networks,
        )  # fmt: skip
    except ValueError as error:
        cause = " ".join(str(part) for part in error.args)
        raise ConfigError(
            "EasyOCR cannot read {languages} together ({cause}); change text.options.languages",
            languages=", ".join(languages),
            cause=cause,
        ) from error
    rows = [row for tables in easyocr.config.recognition_models.values() for row in tables.values()]
    return next(row for row in rows if row["characters"] == chosen.character)


def _unreadable(folder: Path, error: BaseException) -> str:
    cause = " ".join(str(error).split())[:200] or type(error).__name__
    return tr("EasyOCR cannot read its weights in {folder} ({cause}); delete the file it names and run "
              "`vdesc models fetch`, or mend your own network", folder=folder, cause=cause)  # fmt: skip


def _shown(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture, stretched where it is a mere line; boxes are fractions, so they stay right."""
    import cv2

    height, width = image.shape[:2]
    least = math.ceil(max(height, width) / LONGEST)
    if min(height, width) >= least:
        return image
    return cv2.resize(image, (max(width, least), max(height, least))).astype(np.uint8, copy=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what EasyOCR's older code makes newer libraries warn of."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*'pin_memory' argument is set as true but no accelerator")
        warnings.filterwarnings("ignore", message="'mode' parameter is deprecated")
        yield
