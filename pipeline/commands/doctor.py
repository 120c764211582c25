"""What this machine has: versions, ffmpeg, devices, models; and whether OpenCV is sound."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from data.errors import ConfigError
from data.messages import tr

OPENCV_WHEELS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
"""All four unpack into the same folder `cv2`; the last one installed wins."""

OPENCV_REMEDY = (
    "python -m pip uninstall -y opencv-python opencv-python-headless opencv-contrib-python"
    " opencv-contrib-python-headless && python -m pip install 'opencv-python-headless<5'"
)

EXTRAS = {
    "models": ("torch", "transformers", "ultralytics", "easyocr", "deepface", "whisper", "sentence_transformers",
               "peft", "gtts", "moviepy"),
    "korean": ("kiwipiepy",),
    "finetune": ("trl", "datasets", "sacrebleu", "datasketch", "matplotlib", "tensorboard", "nltk",
                 "rouge_score", "pycocoevalcap", "bert_score"),
    "review": ("fastapi", "uvicorn", "sqlalchemy", "sse_starlette", "argon2"),
    "postgresql": ("psycopg",),
    "cluster": ("ray",),
    "dev": ("pytest", "hypothesis"),
}  # fmt: skip
"""Extra → the modules it brings."""


@dataclass(frozen=True)
class Fact:
    """One line of the report. `bad` facts come with their remedy in the text."""

    topic: str
    text: str
    state: Literal["good", "absent", "bad"] = "good"


def examine() -> Iterator[Fact]:
    """Everything worth knowing before a run; loads no model."""
    yield Fact("vdesc", metadata.version("videodescription"))
    yield Fact("python", f"{platform.python_version()} ({sys.executable})")
    yield from _ffmpeg()
    yield opencv()
    yield from _devices()
    yield from _embedded_models()
    yield from _extras()
    yield from _profiles()


def opencv() -> Fact:
    """Whether `cv2` imports in a fresh process, has what the stages use, and which wheels claim its folder."""
    wheels = [f"{name} {v}" for name in OPENCV_WHEELS if (v := _version(name))]
    code = "import cv2, os; cv2.CascadeClassifier; cv2.imdecode; print(cv2.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        cause = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else str(done.returncode)
        text = tr("does not work ({cause}); installed: {wheels}. Run: {remedy}",
                  cause=cause, wheels=", ".join(wheels), remedy=OPENCV_REMEDY)  # fmt: skip
        return Fact("opencv", text, "bad")
    return Fact("opencv", f"{done.stdout.strip()} ({', '.join(wheels)})")


def missing_extra(error: ImportError) -> str | None:
    """The extra that brings the module an import failed on; None if none does."""
    root = (error.name or "").partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if root in modules), None)


def _ffmpeg() -> Iterator[Fact]:
    from data.media import ffmpeg_path

    path = ffmpeg_path()
    done = subprocess.run([path, "-hide_banner", "-version"], capture_output=True, text=True)
    first = done.stdout.splitlines()[0] if done.stdout else tr("does not start; install imageio-ffmpeg again")
    yield Fact("ffmpeg", f"{first} ({path})", "good" if done.stdout else "bad")
    yield Fact("PyAV", _version("av") or "")


def _devices() -> Iterator[Fact]:
    yield Fact("cpu", tr("{number} cores", number=os.cpu_count() or 1))
    if importlib.util.find_spec("torch") is None:
        yield Fact("gpu", tr("not looked for: torch is not installed (extra models)"), "absent")
        return
    torch = importlib.import_module("torch")
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    yield Fact("gpu", ", ".join(names) or tr("none that torch sees"), "good" if names else "absent")


def _embedded_models() -> Iterator[Fact]:
    """The weights that ride in packages: what the embedded profile runs on."""
    for topic, package, pattern in (
        ("Silero VAD", "faster_whisper", "assets/silero_vad*.onnx"),
        ("RapidOCR", "rapidocr", "models/*rec*.onnx"),
        ("espeak-ng", "espeakng_loader", "libespeak-ng*"),
    ):
        spec = importlib.util.find_spec(package)
        files = sorted(Path(spec.origin).parent.glob(pattern)) if spec and spec.origin else []
        if files:
            yield Fact(topic, f"{files[0].name} ({package} {_version(package.replace('_', '-'))})")
        else:
            yield Fact(topic, tr("missing; install {package} again", package=package), "bad")


def _extras() -> Iterator[Fact]:
    for extra, modules in EXTRAS.items():
        missing = [m for m in modules if importlib.util.find_spec(m) is None]
        text = tr("installed") if not missing else tr(
            "without {modules}; pip install 'videodescription[{extra}]'", modules=", ".join(missing), extra=extra
        )  # fmt: skip
        yield Fact(f"[{extra}]", text, "absent" if missing else "good")


def _profiles() -> Iterator[Fact]:
    """How much of each profile's weights is here."""
    from pipeline import config as settings
    from pipeline.models import absent, needs, to_download

    for name in settings.profiles():
        try:
            model_needs = list(needs(settings.load(name)))
        except ConfigError as error:
            yield Fact(tr("profile {name}", name=name), str(error), "absent")
            continue
        if missing := absent(model_needs):
            size, unknown = to_download(missing)
            more = tr(", and {number} of unknown size", number=unknown) if unknown else ""
            text = tr("{number} models are not here ({size:.1f} GB{more}): vdesc models fetch -c {name}",
                      number=len(missing), size=size / 1e9, more=more, name=name)  # fmt: skip
            yield Fact(tr("profile {name}", name=name), text, "absent")
        else:
            yield Fact(tr("profile {name}", name=name), tr("all models are here"))


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
