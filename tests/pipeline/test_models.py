"""`vdesc models`, `--offline` and what a run makes sure of before it starts: against a hub on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.loopback_hub import Hub, loopback_hub

ROOT = Path(__file__).resolve().parents[2]
VDESC = Path(sys.executable).parent / "vdesc"
VOICE = "voice.backend=tests.pipeline.hub_backend:HubVoice"
LARGE = bytes(range(256)) * 4096 * 4
"""4 MiB."""
GUARD = """
import os, socket
_connect, _resolve = socket.socket.connect, socket.getaddrinfo
def _told(what):
    with open(os.environ["NETWORK_LOG"], "a") as log:
        log.write(f"{what}\\n")
def connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        _told(address)
        if os.environ.get("NETWORK_FORBIDDEN"):
            raise OSError(f"no network: {address}")
    return _connect(self, address)
def getaddrinfo(host, *rest, **named):
    _told(host)
    return _resolve(host, *rest, **named)
socket.socket.connect, socket.getaddrinfo = connect, getaddrinfo
"""
"""sitecustomize.py of a process whose every connection and look-up is written down."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with loopback_hub() as hub:
        yield hub


class Command:
    """Runs vdesc against a hub, with a cache and a network log of its own."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.home, self.log, guard = folder / "캐시", folder / "network.log", folder / "guard"
        guard.mkdir()
        (guard / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
        self.environment = {
            **os.environ, **hub.environment(self.home), "PYTHONPATH": f"{guard}{os.pathsep}{ROOT}",
            "NETWORK_LOG": str(self.log), "LANG": "en_US.UTF-8", "LC_ALL": "",
        }  # fmt: skip

    def start(self, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [VDESC, *map(str, arguments)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.environment | environment, cwd=self.home.parent,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in background jobs
        )  # fmt: skip

    def __call__(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=280)
        return subprocess.CompletedProcess([*map(str, arguments)], process.returncode, out, err)

    def models(self, verb: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return self("models", verb, "-c", "embedded", "--set", VOICE, *arguments, **environment)

    @property
    def cache(self) -> Path:
        return self.home / "hub" / "models--team--voice"

    def commit(self) -> str:
        """What main stands for here."""
        return (self.cache / "refs" / "main").read_text(encoding="utf-8")

    def connections(self) -> list[str]:
        """Connections and look-ups so far."""
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []


@pytest.fixture
def vdesc(tmp_path: Path, hub: Hub) -> Command:
    return Command(tmp_path, hub)


def one_line(done: subprocess.CompletedProcess[str], code: int = 2) -> str:
    assert done.returncode == code, done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


def test_list_names_what_is_needed_and_asks_nobody(vdesc: Command, hub: Hub) -> None:
    done = vdesc.models("list")
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if "team/voice" in line)
    assert all(part in row for part in ("voice", "1.50 GB", "Apache-2.0", "not here", str(vdesc.home)))
    assert "1.50 GB to download" in done.stdout
    assert hub.requests == []
    assert vdesc.connections() == []


def test_fetch_takes_what_is_missing_once_and_leaves_other_formats(vdesc: Command, hub: Hub) -> None:
    commit = hub.publish("team/voice", config_json="{}", model_safetensors=LARGE, pytorch_model_bin=LARGE)
    hub.repositories["team/voice"][commit] |= {"onnx/model.onnx": b"x", "tf_model.h5": b"x"}
    done = vdesc.models("fetch")
    assert done.returncode == 0, done.stderr
    assert "Fetching team/voice (1.50 GB)" in done.stdout
    assert sorted(name for name, _ in hub.downloaded("team/voice")) == ["config.json", "model.safetensors"]
    assert (vdesc.cache / "snapshots" / commit / "model.safetensors").read_bytes() == LARGE
    hub.requests.clear()
    assert vdesc.models("fetch").returncode == 0
    assert hub.requests == []
    listed = vdesc.models("list", "--offline").stdout
    assert "0.00 GB to download" in listed
    assert commit in listed


def test_the_commit_that_was_fetched_first_stays_until_update(vdesc: Command, hub: Hub) -> None:
    first = hub.publish("team/voice", config_json="{}", model_safetensors=LARGE)
    assert vdesc.models("fetch").returncode == 0
    second = hub.publish("team/voice", config_json="{ }", model_safetensors=LARGE)
    assert vdesc.models("fetch").returncode == 0
    assert vdesc.commit() == first
    hub.requests.clear()
    assert vdesc.models("fetch", "--update").returncode == 0
    assert vdesc.commit() == second
    assert ("model.safetensors", "") not in hub.downloaded("team/voice"), "unchanged files are not fetched again"


@pytest.mark.slow
def test_an_update_that_breaks_off_leaves_the_old_weights_in_use(vdesc: Command, hub: Hub) -> None:
    first = hub.publish("team/voice", config_json="{}", model_safetensors=LARGE)
    assert vdesc.models("fetch").returncode == 0
    second = hub.publish("team/voice", config_json="{ }", model_safetensors=LARGE[::-1])
    hub.break_after = 2**20
    one_line(vdesc.models("fetch", "--update"))
    assert vdesc.commit() == first
    assert vdesc.models("check", "--stage", "voice", "--offline").returncode == 0
    hub.break_after = None
    assert vdesc.models("fetch", "--update").returncode == 0
    assert vdesc.commit() == second


@pytest.mark.slow
def test_a_download_that_broke_off_goes_on_where_it_was(vdesc: Command, hub: Hub) -> None:
    commit = hub.publish("team/voice", config_json="{}", model_safetensors=LARGE)
    hub.break_after = 3 * 2**20
    assert "team/voice cannot be loaded" in one_line(vdesc.models("fetch"))
    assert "not here" in vdesc.models("list").stdout
    hub.break_after = None
    hub.requests.clear()
    assert vdesc.models("fetch").returncode == 0
    assert hub.downloaded("team/voice") == [("model.safetensors", f"bytes={3 * 2**20}-")]
    assert (vdesc.cache / "snapshots" / commit / "model.safetensors").read_bytes() == LARGE


@pytest.mark.slow
def test_a_file_that_was_damaged_on_the_way_is_fetched_anew(vdesc: Command, hub: Hub) -> None:
    hub.publish("team/voice", config_json="{}", model_safetensors=LARGE)
    hub.break_after = 3 * 2**20
    one_line(vdesc.models("fetch"))
    hub.break_after = None
    (partial,) = vdesc.cache.glob("blobs/*.partial")
    partial.write_bytes(b"?" * partial.stat().st_size)
    assert "model.safetensors arrived damaged" in one_line(vdesc.models("fetch"))
    assert vdesc.models("fetch").returncode == 0
    assert vdesc.models("check", "--stage", "voice").returncode == 0


def test_a_snapshot_that_lacks_a_part_of_the_weights_is_not_taken_for_whole(vdesc: Command, hub: Hub) -> None:
    index = '{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}'
    commit = hub.publish(
        "team/voice", config_json="{}", model_safetensors=b"x", one_safetensors=LARGE, two_safetensors=LARGE[:9]
    )
    hub.repositories["team/voice"][commit]["model.safetensors.index.json"] = index.encode()
    assert vdesc.models("fetch").returncode == 0
    (vdesc.cache / "snapshots" / commit / "two.safetensors").unlink()
    assert "not here" in vdesc.models("list").stdout
    assert vdesc.models("fetch").returncode == 0
    assert "not here" not in vdesc.models("list").stdout


def test_ctrl_c_stops_a_download_at_once_and_it_goes_on_later(vdesc: Command, hub: Hub) -> None:
    hub.publish("team/voice", config_json="{}", model_safetensors=LARGE * 8)
    hub.pause = 0.1
    with vdesc.start("models", "fetch", "-c", "embedded", "--set", VOICE) as process:
        while not any(file.stat().st_size for file in vdesc.cache.glob("blobs/*.partial")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.strip().splitlines() == ["Stopped. Run the same command again to go on where it was"]
    hub.pause = 0.0
    hub.requests.clear()
    assert vdesc.models("fetch").returncode == 0
    assert hub.downloaded("team/voice")[0][1].startswith("bytes=")


def test_a_model_that_does_not_exist(vdesc: Command) -> None:
    assert "There is no model team/voice" in one_line(vdesc.models("fetch"))
    assert "team/voice" in one_line(vdesc.models("fetch", "--lang", "ko"))


def test_a_commit_that_does_not_exist(vdesc: Command, hub: Hub) -> None:
    hub.publish("team/voice", config_json="{}", model_safetensors=b"x")
    line = one_line(vdesc.models("fetch", "--set", f"voice.options.revision={'d' * 40}"))
    assert "There is no model team/voice of that revision" in line


def test_a_gated_model(vdesc: Command, hub: Hub) -> None:
    hub.publish("team/voice", config_json="{}", model_safetensors=b"x")
    hub.gated.add("team/voice")
    assert "wants its licence accepted" in one_line(vdesc.models("fetch"))


def test_a_hub_that_is_down(vdesc: Command, hub: Hub) -> None:
    hub.down = True
    assert "check the name and the network" in one_line(vdesc.models("fetch"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert "check the name and the network" in one_line(vdesc.models("fetch", HF_ENDPOINT=nobody))


def test_others_are_fetched_although_one_fails(vdesc: Command, hub: Hub) -> None:
    hub.publish("team/voice", config_json="{}", model_safetensors=b"x")
    other = ["--set", "faces.backend=tests.pipeline.hub_backend:HubFaces", "--set", "faces.options.model=team/none"]
    assert "team/none" in one_line(vdesc.models("fetch", *other))
    assert vdesc.commit()


def test_check_loads_and_tells_time_and_memory(vdesc: Command, hub: Hub) -> None:
    line = one_line(vdesc.models("check", "--stage", "voice"))
    assert "vdesc models fetch -c embedded --set voice.backend=" in line
    assert hub.requests == [], "a check downloads nothing"
    hub.publish("team/voice", config_json="{}", model_safetensors=LARGE)
    assert vdesc.models("fetch").returncode == 0
    done = vdesc.models("check", "--stage", "voice", "--offline")
    assert done.returncode == 0, done.stderr
    assert "HubVoice: ok, " in done.stdout
    assert "GB of memory" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("breaks", "says"), [("raises", "ZeroDivisionError: of the library"), ("dies", "killed")])
def test_check_goes_on_after_one_that_fails(vdesc: Command, hub: Hub, breaks: str, says: str) -> None:
    hub.publish("team/voice", config_json="{}", model_safetensors=LARGE)
    assert vdesc.models("fetch").returncode == 0
    faces = ["--set", "faces.backend=tests.pipeline.hub_backend:HubFaces"]
    done = vdesc.models("check", "--set", f"voice.options.breaks={breaks}", *faces)
    assert says in done.stderr
    assert done.returncode == 2
    assert "text: rapidocr: ok" in done.stdout
    assert "faces: tests.pipeline.hub_backend:HubFaces: failed: ZeroDivisionError: 1 faces" in done.stderr


def test_a_stage_without_a_model_is_named(vdesc: Command) -> None:
    assert "choose one of dialogue" in one_line(vdesc.models("check", "--stage", "shots"))


@pytest.mark.slow
def test_check_of_the_shipped_backends_on_tiny_checkpoints_needs_no_network(vdesc: Command, tmp_path: Path) -> None:
    from tests.checkpoints import causal, faces, vits, vlm, whisper, yolo

    made = tmp_path / "모델"
    made.mkdir()
    settings = {
        "dialogue.backend": "whisper", "dialogue.options.model": whisper.openai(made / "whisper.pt"),
        "objects.backend": "yolo", "objects.options.weights": yolo.yolov8(made),
        "faces.backend": "deepface", "faces.options.detector": faces.DETECTOR, "faces.options.model": faces.MODEL,
        "candidates.backend": "transformers", "candidates.options.model": vlm.qwen2_5_vl(made / "vlm"),
        "ranking.backend": "causal", "ranking.options.model": causal.causal(made / "phi", context=2048),
        "voice.backend": "transformers", "voice.options.model": vits.build(made / "vits"),
    }  # fmt: skip
    home = str(faces.build(tmp_path / "deepface"))
    assignments = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    done = vdesc(
        "models", "check", "-c", "embedded", *assignments, "--offline", DEEPFACE_HOME=home, NETWORK_FORBIDDEN="1"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line for line in done.stdout.splitlines() if ": ok, " in line]
    assert len(told) == 7, done.stdout
    assert vdesc.connections() == []


@pytest.fixture
def film(tmp_path: Path, ffmpeg: Callable[..., None]) -> Path:
    path = tmp_path / "film.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=10:duration=6", "-f", "lavfi", "-i", "anullsrc=r=48000",
           "-t", 6, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", path)  # fmt: skip
    return path


def test_offline_a_run_says_before_any_stage_what_it_lacks(vdesc: Command, film: Path) -> None:
    line = one_line(vdesc("run", film, "-c", "embedded", "--set", VOICE, "--offline"))
    assert "team/voice" in line
    assert f"vdesc models fetch -c embedded --set {VOICE}" in line
    assert "--config embedded" in line
    assert not (vdesc.home.parent / "out" / "film" / "workspace" / "shots").exists()
    assert vdesc.connections() == []


def test_offline_a_voice_on_the_network_is_refused_before_any_stage(vdesc: Command, film: Path) -> None:
    line = one_line(vdesc("run", film, "-c", "embedded", "--set", "voice.backend=gtts", "--offline"))
    assert "--offline forbids it" in line
    assert not (vdesc.home.parent / "out" / "film" / "workspace" / "shots").exists()


def test_a_package_that_is_missing_is_named_before_any_stage(vdesc: Command, film: Path) -> None:
    backend = "voice.backend=tests.pipeline.hub_backend:NeedsNothingInstalled"
    line = one_line(vdesc("run", film, "-c", "embedded", "--set", backend))
    assert "a_package_nobody_has" in line
    assert "pip install 'videodescription[models]'" in line
    assert not (vdesc.home.parent / "out" / "film" / "workspace" / "shots").exists()


@pytest.mark.slow
def test_a_run_fetches_first_and_then_needs_no_network(vdesc: Command, hub: Hub, film: Path) -> None:
    command = ["run", film, "-c", "embedded", "--set", VOICE, "--until", "voice"]
    line = one_line(vdesc(*command))
    assert "There is no model team/voice" in line
    assert "vdesc models fetch" in line
    hub.publish("team/voice", config_json="{}", model_safetensors=LARGE)
    done = vdesc(*command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.index("team/voice is here") < done.stdout.index("film: voice done")
    before = vdesc.connections()
    again = vdesc(*command, "--offline", "--set", "voice.options.breaks=never", NETWORK_FORBIDDEN="1")
    assert again.returncode == 0, again.stderr
    assert "voice done" in again.stdout
    assert vdesc.connections() == before


def test_the_guard_sees_what_is_not_offline(vdesc: Command, hub: Hub) -> None:
    """The proof that no connection was made is worth nothing where the guard is blind."""
    hub.publish("team/voice", config_json="{}", model_safetensors=b"x")
    assert vdesc.models("fetch").returncode == 0
    assert any("127.0.0.1" in line for line in vdesc.connections())
