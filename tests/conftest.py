"""What tests share: real media, a job for one stage, ffmpeg."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from data import messages
from data.products import BESIDE
from data.records import AudioStream, Episode, Record, VideoStream
from stages.stage import Job, RunSettings, StageConfig, Upstream

pytest.register_assert_rewrite("tests.captioned")

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("untimed", deadline=None)  # a busy machine is no defect
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def english_messages() -> Iterator[None]:
    """Every test starts with English messages, whatever the locale of the machine."""
    messages.use("en")
    yield
    messages.use("en")


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of real films, speech and texts; VDESC_MEDIA or shared/media beside the checkout."""
    folder = Path(os.environ.get("VDESC_MEDIA", ROOT.parent / "shared" / "media"))
    if not folder.is_dir():
        pytest.skip(f"no real media: {folder} does not exist (set VDESC_MEDIA)")
    return folder


@pytest.fixture(scope="session")
def ffmpeg() -> Callable[..., None]:
    """Run the packaged ffmpeg with the given arguments; fails the test with its message."""
    import imageio_ffmpeg

    def run(*args: object) -> None:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"

    return run


def beside(upstream: Upstream) -> Upstream:
    """The records that a job reads, and what lies beside them in their folders."""
    folders = {kind.stage: folder for kind, (folder, _) in upstream.items()}
    return {kind: (folders[kind.stage], partial(kind.open, folders[kind.stage])) for kind in BESIDE
            if kind.stage in folders} | upstream  # fmt: skip


def plain_episode(path: Path = Path("film.mp4"), duration: float = 60.0, **changes: Any) -> Episode:
    """An episode record for tests that need no film."""
    audio = AudioStream(index=1, number=0, codec="aac", rate=48000, channels=2, layout="stereo", language="kor")
    values: dict[str, Any] = {
        "id": path.stem,
        "path": path,
        "content": "0" * 64,
        "container": "mp4",
        "duration": duration,
        "video": VideoStream(index=0, codec="h264", width=640, height=360, fps=25.0),
        "audio": audio,
        "audio_streams": (audio,),
    }
    return Episode(**(values | changes))


@pytest.fixture
def make_job(tmp_path: Path) -> Callable[..., Job[Any]]:
    """Build the job of one stage: `make_job(Config(), {Shot: [...]}, folders={Keyframe: path}, backend=…)`."""

    def build(
        config: StageConfig,
        records: dict[type[Record], Sequence[Record]] | None = None,
        *,
        episode: Episode | None = None,
        folders: dict[type[Record], Path] | None = None,
        backend: Any = None,
        settings: RunSettings | None = None,
    ) -> Job[Any]:
        for name in ("stage", "cache"):
            (tmp_path / name).mkdir(exist_ok=True)
        episode = episode or plain_episode()
        records = {Episode: [episode]} | (records or {})
        upstream: Upstream = {
            kind: ((folders or {}).get(kind, tmp_path), lambda rows=rows: rows) for kind, rows in records.items()
        }
        return Job(
            episode=episode,
            config=config,
            settings=settings or RunSettings(),
            folder=tmp_path / "stage",
            cache=tmp_path / "cache",
            backend=backend,
            upstream=beside(upstream),
        )

    return build
