"""Backends that write down what they are asked: faces told by colour, a captioner, a ranker, a voice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from stages.candidates import prompt
from stages.candidates.prompt import Caption, Prompt
from stages.faces import FaceBox, Recogniser
from stages.models import ModelOptions
from stages.ranking import prompt as ranking
from stages.ranking.prompt import RankingPrompt
from stages.voice.espeak import Espeak

asked: list[Prompt] = []
ranked: list[Sequence[str]] = []
spoken: list[str] = []


def forget() -> None:
    """Begin anew."""
    for told in (asked, ranked, spoken):
        told.clear()


class Faces(Recogniser):
    """A coloured picture shows the face of the person with that colour; a grey one shows nobody."""

    class Options(BaseModel):
        model_config = ConfigDict(frozen=True, extra="forbid")

    metric, threshold = "cosine", 0.05
    looked = 0

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[FaceBox]]:
        Faces.looked += len(images)
        return [self._faces(image.reshape(-1, 3).mean(axis=0)) for image in images]

    def _faces(self, colour: NDArray[np.float64]) -> list[FaceBox]:
        if np.ptp(colour) < 40:
            return []
        return [FaceBox(0.9, (0.3, 0.1, 0.4, 0.6), tuple(colour.tolist()))]


class Captioner(prompt.Captioner):
    """Says who is seen, by their label, or that there is nobody; the place tells the pictures apart."""

    class Options(ModelOptions):
        pass

    needs_images = True
    places = ("창가", "부엌", "현관", "거실", "복도", "마당", "옥상", "계단")

    def caption(
        self, images: Sequence[bytes], prompts: Sequence[Sequence[Prompt]], n: int
    ) -> Iterator[tuple[int, list[list[Caption]]]]:
        for number, (image, some) in enumerate(zip(images, prompts, strict=True)):
            asked.extend(some)
            place = self.places[(len(image) + sum(image)) % len(self.places)]
            yield number, [[self._line(p, place) for _ in range(n)] for p in some]

    def _line(self, prompt: Prompt, place: str) -> Caption:
        who = f"{prompt.names[0]}이 " if prompt.names else "바람이 "
        does = "의자를 천천히 옮긴다." if prompt.style == "basic" else "돈다."
        return Caption(f"{who}{place}에서 {does}", "visual", "short")

    def identity(self) -> dict[str, Any]:
        return {"model": "series"}


class Ranker(ranking.Ranker):
    """Finds all lines equally good."""

    class Options(ModelOptions):
        pass

    def score(
        self,
        prompts: Sequence[RankingPrompt],  # noqa: ARG002
        texts: Sequence[Sequence[str]],
    ) -> list[list[dict[str, float]]]:
        ranked.extend(texts)
        return [[{"likelihood": 0.8} for _ in some] for some in texts]

    def identity(self) -> dict[str, Any]:
        return {"model": "series"}


class Voice(Espeak):
    """espeak-ng that writes down what it speaks."""

    def speak(self, text: str, language: str, rate: float) -> tuple[NDArray[np.float32], int]:
        spoken.append(text)
        return super().speak(text, language, rate)
