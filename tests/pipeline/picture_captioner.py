"""A captioner for tests, named in settings as tests.pipeline.picture_captioner:Captioner."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from stages.candidates import prompt
from stages.candidates.prompt import Caption, Prompt
from stages.models import ModelOptions

PLACES = ("창가", "부엌", "현관", "거실", "복도")


class Captioner(prompt.Captioner):
    """Captions that tell what was asked: the style, which picture, and the settings."""

    class Options(ModelOptions):
        word: str = Field("여자가", description="Who is seen")

    options: Options
    asked = 0

    def caption(
        self, images: Sequence[bytes], prompts: Sequence[Sequence[Prompt]], n: int
    ) -> Iterator[tuple[int, list[list[Caption]]]]:
        assert n >= 1
        for number, (image, some) in enumerate(zip(images, prompts, strict=True)):
            Captioner.asked += 1
            place = PLACES[int(hashlib.sha256(image).hexdigest(), 16) % len(PLACES)]
            said = {"basic": f"{self.options.word} {place}에 서 있다.", "strict": f"{place}의 {self.options.word}."}
            yield number, [[Caption(said[p.style], "visual", "short")] for p in some]

    def identity(self) -> dict[str, Any]:
        return {"model": "mine"}
