"""What tests share: real media, a job for one stage, ffmpeg."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

from data import messages
from data.products import BESIDE
from data.records import AudioStream, Episode, Record, VideoStream
from stages.sources import RunSettings, Surroundings
from stages.stage import Job, StageConfig, Upstream

pytest.register_assert_rewrite("tests.captioned")

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("untimed", deadline=None)  # a busy machine is no defect
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no worker is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


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


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first who asks makes for all workers of the session; nobody may change what is in it."""
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    with FileLock(folder.with_suffix(".lock")):
        if not (whole := folder.with_suffix(".whole")).exists():
            make(folder)  # in its place: results remember where their film lies
            whole.touch()
    return folder


@pytest.fixture(scope="session")
def sample_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample episode, with its truth beside it; made once, for it takes half a minute."""
    from data.sample import make

    return made_once(tmp_path_factory, "sample-film", make) / "sample.mp4"


@pytest.fixture(scope="session")
def described_sample(tmp_path_factory: pytest.TempPathFactory, sample_film: Path) -> Path:
    """The sample episode in a folder, and beside it `out`, what the command made of it with the embedded profile."""

    def describe(folder: Path) -> None:
        folder.mkdir()
        film = Path(shutil.copy(sample_film, folder))
        command = [Path(sys.executable).parent / "vdesc", "run", film, "-c", "embedded", "--out", folder / "out"]
        done = subprocess.run([*map(str, command), "--lang", "en"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stderr

    return made_once(tmp_path_factory, "sample-described", describe)


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
        **around: Any,
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
            folder=tmp_path / "stage",
            cache=tmp_path / "cache",
            backend=backend,
            upstream=beside(upstream),
            around=Surroundings(episode, settings or RunSettings(), **around),
        )

    return build
