"""Text by RapidOCR with the PP-OCRv6 small models that its wheel carries, on ONNX Runtime.

It reads Latin letters, digits, Chinese and Japanese, and reads them well. It cannot read Korean: the recogniser's
18,708 characters hold no Hangul. The detector does find Hangul, and the recogniser then gives nothing, or Chinese
characters and kana that look alike ("3년 후" becomes "3章" with a score up to 0.99, "2019년 봄" becomes "2019").
Artful lettering (a film's logo) is mostly misread with a low score.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from data.errors import StageError
from stages.backend import Resources
from stages.text import Reader
from stages.text.lines import TextLine, upright

if TYPE_CHECKING:
    from numpy.typing import NDArray

DETECT, RECOGNISE = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"


class RapidOCR(Reader):
    """Reads text on the processor, about 130 ms of one core a picture; never downloads anything."""

    min_score = 0.9
    """True text measured 0.97 and more, text seen in leaves and fur 0.85 and less."""

    class Options(BaseModel):
        """Settings of RapidOCR."""

        model_config = ConfigDict(frozen=True, extra="forbid")
        side: int = Field(
            640, ge=160, description="Longest side of the picture the detector sees, pixels; letters are read in full"
        )
        threads: int = Field(2, ge=1, description="Threads of ONNX Runtime")

    options: Options
    _engine: Any = None

    @property
    def hangul(self) -> bool:
        """No: see the module."""
        return False

    def resources(self) -> Resources:
        """As many cores as threads."""
        return Resources(cores=self.options.threads)

    def close(self) -> None:
        """Free the models."""
        self._engine = None

    def read(self, images: Sequence[NDArray[np.uint8]]) -> list[list[TextLine]]:
        """The lines of each picture (H×W×3 BGR), unsorted, with the recogniser's mean confidence.

        A line with digits is only as sure as its least sure digit: a letter is guessed from its word, but an arrow
        before "56 km" that is taken for a 1 makes it another distance.
        """
        if self._engine is None:
            self._engine = self._load()
        return [self._lines(image) for image in images]

    def _lines(self, image: NDArray[np.uint8]) -> list[TextLine]:
        found = self._engine(image, return_word_box=True, return_single_char_box=True)
        if found.boxes is None or found.txts is None:
            return []
        size = np.array(image.shape[1::-1], float)
        rows = zip(found.txts, found.scores, found.word_results, np.asarray(found.boxes, float) / size, strict=True)
        return [
            TextLine(text.strip(), min([float(score), *_digits(letters)]), upright(corners))
            for text, score, letters, corners in rows
        ]

    def _load(self) -> Any:
        import rapidocr

        models = Path(rapidocr.__file__).parent / "models"
        # Naming the files is what keeps rapidocr from downloading. Upright text needs no classifier of direction.
        return rapidocr.RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.text_score": 0.0,
                "Global.use_cls": False,
                "Global.use_preprocess_img": False,
                "Global.use_vertical_padding": False,
                "Det.model_path": _model(models / DETECT),
                "Det.limit_side_len": self.options.side,
                "Det.limit_type": "max",
                "Rec.model_path": _model(models / RECOGNISE),
                "EngineConfig.onnxruntime.intra_op_num_threads": self.options.threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )


def _model(path: Path) -> str:
    if not path.is_file():
        raise StageError(
            "The installed rapidocr has no model {name}: install it again (pip install --force-reinstall rapidocr)",
            name=path.name,
        )
    return str(path)


def _digits(letters: Sequence[tuple[str, float, Any]]) -> list[float]:
    """The confidence of each digit among (letter, confidence, box)."""
    return [float(score) for letter, score, _ in letters if letter.isdigit()]
