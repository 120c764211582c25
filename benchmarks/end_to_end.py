"""Speed and memory of the embedded run, as ratios measured side by side on one machine.

    python benchmarks/end_to_end.py --media FOLDER [--minutes 10 20 40] [--work DIR]

Makes 1080p H.264 films from the clips in FOLDER (speech and pauses included), then measures

* shots + keyframes + audio extraction against `ffmpeg -i film -f null -` (the same ffmpeg, 2 threads);
* the final mux against a plain `ffmpeg -c copy` remux plus one AAC encode, and against moviepy writing the film;
* the whole run against the bare decode, its growth with length, and the peak memory of all its processes.

Writes `benchmarks/results/end_to_end.json` and `.md` with the machine named.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from data import media
from data.media.mux import DescribedWriter
from data.media.sound import audio_blocks
from data.records import Episode, Shot, Still
from stages import keyframes, shots
from stages.sources import RunSettings, Surroundings
from stages.stage import Job

RESULTS = Path(__file__).parent / "results"
PICTURES = ("bbb-30s/big_buck_bunny_0_30.webm", "wai-perspective/perspective-video.mp4", "rabbit-ad/video.mp4",
            "friday-film/friday.mp4")  # fmt: skip
SOUNDS = ("nld-film-audio/45s_dont_be_afraid_of_me.wav", "nld-film-audio/31s_hes_wrong_you_know.wav")
RATE = 48_000


def ffmpeg(*arguments: object) -> float:
    """Run ffmpeg quietly; the seconds it took."""
    command = [media.ffmpeg_path(), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - started


def make_film(folder: Path, clips: Path, minutes: int) -> Path:
    """A film of `minutes`: the clips scaled to 1080p one after the other, under film dialogue with pauses."""
    film = folder / f"film-{minutes}.mp4"
    if film.exists():
        return film
    round_ = folder / "round.mp4"
    if not round_.exists():
        inputs = [x for name in (*PICTURES, *SOUNDS) for x in ("-i", clips / name)]
        scale = "scale=1920:1080:force_original_aspect_ratio=decrease,pad=1920:1080:-1:-1,setsar=1,fps=24"
        pictures = ";".join(f"[{n}:v]{scale}[v{n}]" for n in range(len(PICTURES)))
        joined = "".join(f"[v{n}]" for n in range(len(PICTURES)))
        first = len(PICTURES)
        graph = (
            f"{pictures};{joined}concat=n={len(PICTURES)}:v=1:a=0,noise=alls=4:allf=t[v];"
            f"[{first}:a]aformat=sample_rates=48000:channel_layouts=stereo[a0];"
            f"[{first + 1}:a]aformat=sample_rates=48000:channel_layouts=stereo[a1];[a0][a1]concat=n=2:v=0:a=1[a]"
        )
        ffmpeg(*inputs, "-filter_complex", graph, "-map", "[v]", "-map", "[a]", "-shortest", "-c:v", "libx264",
               "-preset", "medium", "-crf", "21", "-c:a", "aac", "-b:a", "160k", round_)  # fmt: skip
    ffmpeg("-stream_loop", "-1", "-i", round_, "-t", minutes * 60, "-c", "copy", film)
    return film


def job(episode: Episode, folder: Path, config: Any, upstream: dict[Any, Any]) -> Job[Any]:
    """The job of one stage outside the runner."""
    folder.mkdir(parents=True, exist_ok=True)
    return Job(episode=episode, config=config, folder=folder, cache=folder, backend=None,
               upstream=upstream, around=Surroundings(episode, RunSettings()))  # fmt: skip


def extract(episode: Episode, folder: Path) -> float:
    """Seconds for shots, keyframes and the sound for the voice detector."""
    folder = folder / str(time.time_ns())
    started = time.perf_counter()
    found = list(shots.run(job(episode, folder / "shots", shots.Config(), {})))
    place = folder / "shots"
    upstream = {Shot: (place, lambda: found), Still: (place, lambda: Still.open(place))}
    stills = list(keyframes.run(job(episode, folder / "keyframes", keyframes.Config(), upstream)))
    for _ in audio_blocks(episode, rate=16_000, layout="mono"):
        pass
    assert found
    assert stills
    return time.perf_counter() - started


def mux(episode: Episode, folder: Path, mix: Path) -> float:
    """Seconds to write the described film from a finished mix."""
    import soundfile

    folder.mkdir(exist_ok=True)
    started = time.perf_counter()
    with DescribedWriter(episode, folder, layout="stereo", language="ko") as writer:
        for block in soundfile.blocks(mix, RATE * 10, dtype="float32", always_2d=True):
            writer.write(block)
    return time.perf_counter() - started


def moviepy_write(film: Path, mix: Path, target: Path, seconds: float) -> float:
    """Seconds moviepy takes to write the first `seconds` of the film with the mix, as scripts do it."""
    from moviepy import AudioFileClip, VideoFileClip

    started = time.perf_counter()
    with VideoFileClip(str(film)) as picture, AudioFileClip(str(mix)) as sound:
        part = picture.subclipped(0, seconds).with_audio(sound.subclipped(0, seconds))
        part.write_videofile(str(target), codec="libx264", audio_codec="aac", threads=2, logger=None)
    return time.perf_counter() - started


def whole_run(film: Path, out: Path) -> tuple[float, float]:
    """Seconds of `vdesc run`, and the peak of its processes' memory together in MB (unique set size)."""
    command = [Path(sys.executable).parent / "vdesc", "run", film, "--out", out, "--config", "embedded"]
    started, peak = time.perf_counter(), 0.0
    run = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)

    def watch() -> None:
        nonlocal peak
        process = psutil.Process(run.pid)
        while run.poll() is None:
            try:
                family = [process, *process.children(recursive=True)]
                peak = max(peak, sum(p.memory_full_info().uss for p in family) / 1e6)
            except psutil.Error:
                pass
            time.sleep(0.25)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = run.wait()
    watcher.join()
    assert code in (0, 3), f"vdesc run ended with {code}"
    return time.perf_counter() - started, peak


def alternating(first: Callable[[], float], second: Callable[[], float], times: int) -> tuple[float, float]:
    """Medians of two measurements taken in turn, so that a busy machine slows both."""
    pairs = [(first(), second()) for _ in range(times)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def decode(film: Path) -> float:
    """Seconds of the bare decode."""
    return ffmpeg("-threads", 2, "-i", film, "-f", "null", "-")


def measure(clips: Path, work: Path, lengths: list[int]) -> dict[str, Any]:
    """All figures."""
    work.mkdir(parents=True, exist_ok=True)
    films = {minutes: make_film(work, clips, minutes) for minutes in lengths}
    film = films[lengths[0]]
    episode = media.probe(film)
    print(f"{film}: {episode.duration:.0f} s", flush=True)
    bare, ours = alternating(lambda: decode(film), lambda: extract(episode, work / "extract"), 3)
    figures: dict[str, Any] = {
        "minutes": lengths,
        "decode_s": bare,
        "shots_keyframes_audio_s": ours,
        "shots_keyframes_audio_ratio": ours / bare,
    }
    print(json.dumps(figures), flush=True)
    mix, plain = work / "mix.wav", work / "plain.mp4"
    ffmpeg("-i", film, "-map", "0:a:0", "-ar", RATE, "-ac", 2, "-c:a", "pcm_f32le", mix)
    copy = ("-i", film, "-i", mix, "-map", "0", "-map", "1", "-c", "copy", "-c:a:1", "aac", "-b:a:1", "192k", plain)
    base, muxed = alternating(lambda: ffmpeg(*copy), lambda: mux(episode, work / "mux", mix), 3)
    part = 20.0
    rendered = moviepy_write(film, mix, work / "moviepy.mp4", part) * episode.duration / part
    figures |= {
        "copy_and_aac_s": base,
        "mux_s": muxed,
        "mux_ratio": muxed / base,
        "moviepy_s_extrapolated_from_20_s": rendered,
        "mux_speedup_over_moviepy": rendered / muxed,
    }
    print(json.dumps(figures), flush=True)
    figures["runs"] = []
    for minutes, longer in films.items():
        bare = decode(longer)
        seconds, memory = whole_run(longer, work / f"out-{minutes}-{time.time_ns()}")
        figures["runs"].append(
            {"minutes": minutes, "decode_s": bare, "run_s": seconds, "ratio": seconds / bare, "peak_mb": memory}
        )
        print(figures["runs"][-1], flush=True)
    return figures


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    model = next((x.partition(":")[2].strip() for x in _lines("/proc/cpuinfo") if x.startswith("model name")), "")
    version = subprocess.run([media.ffmpeg_path(), "-version"], capture_output=True, text=True).stdout.splitlines()[0]
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "python": platform.python_version(),
        "ffmpeg": version,
        "load_average_15_min": round(os.getloadavg()[2], 1),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown, each with its target."""
    f = figures
    rows = [
        ("shots + keyframes + audio ÷ bare decode", f"{f['shots_keyframes_audio_ratio']:.2f}", "≤ 1.0"),
        ("final mux ÷ (copy remux + one AAC encode)", f"{f['mux_ratio']:.2f}", "≤ 1.5"),
        ("moviepy ÷ final mux", f"{f['mux_speedup_over_moviepy']:.0f}", "≥ 50"),
    ]
    for run in f["runs"]:
        rows.append((f"whole run of {run['minutes']} min ÷ bare decode", f"{run['ratio']:.2f}", "≤ 3"))
        rows.append((f"peak memory of {run['minutes']} min", f"{run['peak_mb']:.0f} MB", "≤ 1500 MB, not growing"))
    lines = [
        f"Machine: {json.dumps(f['machine'], ensure_ascii=False)}",
        "",
        "| what | measured | target |",
        "|---|---|---|",
    ]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows]) + "\n"


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--minutes", type=int, nargs="+", default=[10, 20, 40])
    parser.add_argument("--work", type=Path, default=Path("build/benchmark"))
    arguments = parser.parse_args()
    measured = measure(arguments.media, arguments.work, arguments.minutes)
    figures = {"machine": machine()} | measured
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "end_to_end.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (RESULTS / "end_to_end.md").write_text(table(figures), encoding="utf-8")
    print(table(figures))


if __name__ == "__main__":
    main()
