"""`transformers`: captions from any image-text-to-text model of the Hugging Face hub, or a folder of that form.

A model looks at each picture once for all its captions, and at several keyframes together. One whose cache cannot be
repeated (see `shared_prompt.can_share`, and `proof` for models that come with code of their own) is asked plainly:
one question after the other, the picture anew for each.

Where decoding is `sample`, every caption has a seed of its own, made of `seed`, the picture, the question and its
attempt; so it does not change with the batch it falls into or the place a run is resumed at. In half precision
the last digits of the scores do depend on the batch, and now and then a close choice falls the other way.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from stages.candidates import answers as answer
from stages.candidates.prompt import Captioner
from stages.candidates.shared_prompt import Decoding, Diverse, Sampled, seed_of
from stages.chat import conversations, rendered
from stages.models import PretrainedBackend, PretrainedOptions, in_batches

if TYPE_CHECKING:
    from PIL.Image import Image

    from stages.candidates.pretrained import Loaded
    from stages.candidates.prompt import Caption, Prompt

Asked = tuple[bytes, "Sequence[Prompt]"]
"""One keyframe: its JPEG and its questions."""

BEAMS = 4
"""Beams of plain beam search, or as many as captions are wanted; the usual width for captions."""
SMALLEST = 28
"""Pixels a side has at least: smaller pictures are enlarged, since towers that take any size need a whole patch."""
GB = 10**9


class Transformers(PretrainedBackend, Captioner):
    """Captions from a vision-language model on this machine."""

    known: ClassVar = {
        "naver-hyperclovax/HyperCLOVAX-SEED-Vision-Instruct-3B": ("hyperclovax-seed", None),
        "naver-hyperclovax/HyperCLOVAX-SEED-Think-32B": ("hyperclovax", 66 * GB),
        "Qwen/Qwen2.5-VL-3B-Instruct": ("qwen-research", 7_500 * GB // 1000),
        "Qwen/Qwen2.5-VL-7B-Instruct": ("apache-2.0", 16_600 * GB // 1000),
        "Qwen/Qwen3-VL-2B-Instruct": ("apache-2.0", 4_300 * GB // 1000),
        "Qwen/Qwen3-VL-4B-Instruct": ("apache-2.0", 8_900 * GB // 1000),
        "Qwen/Qwen3-VL-8B-Instruct": ("apache-2.0", 17_500 * GB // 1000),
        "Qwen/Qwen3-VL-32B-Instruct": ("apache-2.0", 67 * GB),
        "HuggingFaceTB/SmolVLM-Instruct": ("apache-2.0", 4_500 * GB // 1000),
        "HuggingFaceTB/SmolVLM2-2.2B-Instruct": ("apache-2.0", 9 * GB),
        "HuggingFaceTB/SmolVLM2-500M-Video-Instruct": ("apache-2.0", 2 * GB),
        "llava-hf/llava-1.5-7b-hf": ("llama2", 14_100 * GB // 1000),
        "llava-hf/llava-v1.6-mistral-7b-hf": ("apache-2.0", 15_100 * GB // 1000),
        "llava-hf/llava-onevision-qwen2-0.5b-ov-hf": ("apache-2.0", 1_800 * GB // 1000),
        "llava-hf/llava-onevision-qwen2-7b-ov-hf": ("apache-2.0", 16_100 * GB // 1000),
    }

    class Options(PretrainedOptions):
        """Settings of transformers."""

        model: str = Field(description="Hub id or folder of an image-text-to-text model")
        decoding: Decoding = Field(
            "sample", description="sample: drawn; beam: the likeliest; diverse-beam: likely and unlike each other"
        )
        temperature: float = Field(0.7, ge=0, le=2, description="sample: 0 takes the likeliest word each time")
        top_p: float = Field(
            0.9, gt=0, le=1, description="sample: draw among the likeliest words of so much probability"
        )
        max_new_tokens: int = Field(128, ge=1, le=4096, description="Longest answer, in tokens")
        seed: int = Field(0, ge=0, description="Another seed draws other captions")
        image_size: int = Field(
            768, ge=SMALLEST, le=4096, description="Longer side the picture is scaled down to, pixels"
        )

    options: Options
    _loaded: Loaded | None = None

    @property
    def model(self) -> str:
        """Hub id or folder."""
        return self.options.model

    def caption(
        self, images: Sequence[bytes], prompts: Sequence[Sequence[Prompt]], n: int
    ) -> Iterator[tuple[int, list[list[Caption]]]]:
        """Up to `n` captions for each prompt of each keyframe, as (number of the keyframe, captions per prompt).

        `images` are JPEGs. Raises ConfigError where the model cannot be loaded or not one keyframe fits into memory.
        """
        if not images:
            return
        asked = list(zip(images, prompts, strict=True))
        # a beam would find the same words again: what is asked once more is drawn
        again = [any(prompt.attempt for prompt in questions) for questions in prompts]
        for repeated in (False, True):
            chosen = [i for i, value in enumerate(again) if value is repeated and prompts[i]]
            decoding: Decoding = "sample" if repeated else self.options.decoding
            found = self._answers([asked[i] for i in chosen], n, decoding)
            for i, raw in zip(chosen, found, strict=True):
                yield i, [answer.captions(texts, prompt) for texts, prompt in zip(raw, prompts[i], strict=True)]
        yield from ((i, []) for i, questions in enumerate(prompts) if not questions)

    def _answers(self, asked: Sequence[Asked], n: int, decoding: Decoding) -> Iterator[list[list[str]]]:
        """Raw answers per keyframe and prompt."""
        if not asked:
            return iter(())
        loaded = self._ready()
        together = self.options.batch if loaded.shares else 1

        def forward(batch: Sequence[Asked]) -> list[list[list[str]]]:
            return (self._shared if loaded.shares else self._plain)(loaded, batch, n, decoding)

        return in_batches(asked, together, forward, self.model)

    def _ready(self) -> Loaded:
        from stages.candidates.pretrained import load

        if self._loaded is None:
            self._loaded = load(self.options, self.model)
        return self._loaded

    def _shared(self, loaded: Loaded, batch: Sequence[Asked], n: int, decoding: Decoding) -> list[list[list[str]]]:
        """Several keyframes at once, each looked at once."""
        from stages.candidates.pretrained import on_device
        from stages.candidates.shared_prompt import answers, tokens

        pictures = [self._picture(jpeg) for jpeg, _ in batch]
        texts = [
            [rendered(loaded.processor, c, loaded.template) for c in self._conversations(loaded, questions, picture)]
            for picture, (_, questions) in zip(pictures, batch, strict=True)
        ]
        first, rows = tokens(loaded.processor, pictures, texts)
        how = self._how(loaded, [seed for jpeg, asked in batch for seed in self._seeds(jpeg, asked, n)], n, decoding)
        beams = max(n, BEAMS) if decoding == "beam" else 1
        found = answers(loaded.model, on_device(loaded, first), rows, n, beams, **how)
        return [[loaded.processor.tokenizer.batch_decode(c, skip_special_tokens=True) for c in k] for k in found]

    def _plain(self, loaded: Loaded, batch: Sequence[Asked], n: int, decoding: Decoding) -> list[list[list[str]]]:
        """One question after the other, by the interface that all models have."""
        return [
            [
                self._one(loaded, conversation, self._seeds(jpeg, [prompt], n), n, decoding)
                for prompt, conversation in zip(
                    questions, self._conversations(loaded, questions, self._picture(jpeg)), strict=True
                )
            ]
            for jpeg, questions in batch
        ]

    def _one(self, loaded: Loaded, conversation: Any, seeds: Sequence[int], n: int, decoding: Decoding) -> list[str]:
        """The answers to one question; one by one but for beams, since a model's own code may not know of copies."""
        from stages.candidates.pretrained import plain

        rows: list[list[int]] = []
        if decoding == "beam":
            how = self._how(loaded, seeds, n, decoding)
            rows = plain(loaded, conversation, num_beams=max(n, BEAMS), num_return_sequences=n, **how)
        while len(rows) < n:
            rows += plain(loaded, conversation, **self._how(loaded, seeds[len(rows) :][:1], 1, decoding, rows))
        return [str(text) for text in loaded.processor.tokenizer.batch_decode(rows, skip_special_tokens=True)]

    def _conversations(self, loaded: Loaded, questions: Sequence[Prompt], picture: Image) -> list[Any]:
        return conversations(questions, picture, with_system=loaded.with_system)

    def _picture(self, jpeg: bytes) -> Image:
        """The picture in RGB, scaled to sides the model can take."""
        import PIL.Image

        picture: Image = PIL.Image.open(io.BytesIO(jpeg))
        picture.thumbnail((self.options.image_size, self.options.image_size))  # before decoding: JPEGs scale for free
        picture = picture.convert("RGB")
        width, height = (max(side, SMALLEST) for side in picture.size)
        return picture if (width, height) == picture.size else picture.resize((width, height))

    def _seeds(self, jpeg: bytes, questions: Sequence[Prompt], n: int) -> list[int]:
        """One for each question and caption."""
        picture = hashlib.sha256(jpeg).hexdigest()
        return [
            seed_of(self.options.seed, picture, prompt.system, prompt.text, prompt.attempt, number)
            for prompt in questions
            for number in range(n)
        ]

    def _how(
        self, loaded: Loaded, seeds: Sequence[int], n: int, decoding: Decoding, earlier: Sequence[list[int]] = ()
    ) -> dict[str, Any]:
        """The arguments of `generate` that say how tokens are chosen; `earlier`: answers to the same question."""
        from stages.candidates.pretrained import ends_of

        options = self.options
        how: dict[str, Any] = {"max_new_tokens": options.max_new_tokens}
        if decoding == "sample" and options.temperature > 0:
            chosen: Any = Sampled(seeds, options.max_new_tokens, options.temperature, options.top_p)
            return how | {"logits_processor": [chosen]}
        if decoding == "diverse-beam":
            return how | {"logits_processor": [Diverse(n, ends_of(loaded.model), earlier)]}
        return how
