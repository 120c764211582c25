"""What the review server answers: state, gestures, conflicts, media, events, exports."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from data.reasons import Protected
from data.records import Gap
from data.review import applied
from data.workspace import Workspace
from pipeline.review import applying
from pipeline.review.hub import BACKLOG, Hub
from tests.pipeline.review.browsing import ADDRESS, Browser
from tests.pipeline.review.made import _wav, results_folder, write

Serve = Callable[..., Callable[[], Browser]]


def line(browser: Browser, number: int = 0) -> Any:
    """A line as the state has it."""
    return browser.get("/e/episode/state").json()["lines"][number]


def act(browser: Browser, kind: str, of: Any, **fields: Any) -> Any:
    """Send a gesture on a line."""
    return browser.ask("/e/episode/acts", {"kind": kind, "line": of["id"], "version": of["version"], **fields})


def test_the_state_has_all_that_the_page_shows(browser: Browser) -> None:
    state = browser.get("/e/episode/state").json()
    first = state["lines"][0]
    assert state["episode"]["id"] == "episode"
    assert (state["number"], state["applied"], state["dirty"]) == (0, 0, False)
    assert state["me"] == {"name": "jiwoo", "role": "lead"}
    assert first["room"] == {"start": 0.8, "until": 4.2}
    assert first["clip"] == {"url": "/e/episode/clips/n00001.wav", "seconds": 1.5, "speed": 1.0}
    assert (first["gap"], first["keyframe"]) == ("g00001", "k00001")
    assert [found["severity"] for found in first["findings"]] == ["error"]
    assert state["candidates"]["k00001"][0]["text"] == first["text"]
    assert state["keyframes"][0]["url"] == "/e/episode/keyframes/k.jpg"


def test_an_edit_is_saved_and_its_clip_no_longer_fits(browser: Browser) -> None:
    answer = act(browser, "edit", line(browser), text="비가 온다.").json()
    assert (answer["number"], answer["lines"][0]["text"], answer["lines"][0]["clip"]) == (1, "비가 온다.", None)
    assert answer["lines"][0]["room"]
    state = browser.get("/e/episode/state").json()
    assert (state["lines"][0]["text"], state["number"], state["dirty"]) == ("비가 온다.", 1, True)
    assert browser.ask("/e/episode/undo").json()["lines"][0]["text"] == "1. 문이 열린다."
    assert browser.ask("/e/episode/redo").json()["lines"][0]["text"] == "비가 온다."


def test_who_comes_second_sees_what_changed(serve: Serve) -> None:
    new = serve()
    one, other = new(), new()
    seen = line(one)
    act(one, "edit", seen, text="비가 온다.")
    answer = act(other, "edit", seen, text="눈이 온다.")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["lines"][0]["text"] == "비가 온다."


@pytest.mark.parametrize(
    ("gesture", "status"),
    [({"kind": "explode"}, 422), ({}, 422), ({"kind": "edit", "line": "x", "version": 0, "text": "y"}, 422),
     ({"kind": "edit", "line": "d", "version": 0, "text": "x" * 1001}, 422), ([], 422), ("text", 422)],
)  # fmt: skip
def test_what_is_no_gesture_is_refused_in_a_line(browser: Browser, gesture: Any, status: int) -> None:
    answer = browser.ask("/e/episode/acts", gesture)
    assert answer.status_code == status
    assert "\n" not in answer.json()["error"]


def test_a_rename_can_be_seen_before_it_is_made(browser: Browser) -> None:
    act(browser, "edit", line(browser), text="민수는 웃는다.")
    rename = {"kind": "rename", "from": "민수", "to": "지훈"}
    seen = browser.ask("/e/episode/acts", rename | {"preview": True}).json()["lines"]
    assert [row["after"] for row in seen] == ["지훈은 웃는다."]
    assert line(browser)["text"] == "민수는 웃는다."
    assert browser.ask("/e/episode/acts", rename).json()["lines"][0]["text"] == "지훈은 웃는다."


def test_a_text_is_checked_before_it_is_saved(browser: Browser) -> None:
    found = browser.ask("/e/episode/check", {"line": line(browser)["id"], "text": "비가 온다.", "start": 1.0}).json()
    assert found["syllables"] == 4
    assert found["room"] == pytest.approx(3.2)
    assert browser.ask("/e/episode/check", {"text": "비가 온다.", "start": -1}).status_code == 422


def test_a_recording_becomes_48_khz_mono(browser: Browser, out: Path) -> None:
    of = line(browser)
    token = {"X-CSRF-Token": browser.token()}
    url = f"/e/episode/lines/{of['id']}/recording"
    answer = browser.post(url, headers=token, files={"file": ("mine.wav", _wav(0.8))}).json()
    name = answer["lines"][0]["recording"]
    samples, rate = soundfile.read(out / "episode" / "review" / applied.RECORDINGS / name)
    assert (rate, samples.ndim, len(samples)) == (48_000, 1, 38_400)
    assert browser.get(f"/e/episode/clips/{name}").content[:4] == b"RIFF"


@pytest.mark.parametrize("path", ["film", "described", "clips/n00001.wav", "keyframes/k.jpg"])
def test_media_come_in_the_parts_that_are_asked_for(browser: Browser, path: str) -> None:
    whole = browser.get(f"/e/episode/{path}")
    assert (whole.status_code, whole.headers["accept-ranges"]) == (200, "bytes")
    part = browser.get(f"/e/episode/{path}", headers={"Range": "bytes=100-149"})
    assert (part.status_code, part.content) == (206, whole.content[100:150])
    assert part.headers["content-range"] == f"bytes 100-149/{len(whole.content)}"
    last = browser.get(f"/e/episode/{path}", headers={"Range": "bytes=-5"})
    assert last.content == whole.content[-5:]
    assert browser.get(f"/e/episode/{path}", headers={"Range": f"bytes={10**9}-"}).status_code == 416


@pytest.mark.parametrize(
    ("kind", "starts"), [("json", b"{"), ("vtt", b"WEBVTT"), ("csv", b"\xef\xbb\xbf"), ("nope", b"")]
)
def test_exports(browser: Browser, kind: str, starts: bytes) -> None:
    answer = browser.get(f"/e/episode/export/{kind}")
    assert answer.status_code == (200 if starts else 422)
    assert not starts or answer.content.startswith(starts)


def test_errors_forbid_to_deliver_and_name_their_lines(browser: Browser) -> None:
    answer = browser.ask("/e/episode/deliver")
    assert answer.status_code == 409
    assert [row["lines"] for row in answer.json()["findings"]] == [[line(browser)["id"]]]
    assert {row["severity"] for row in browser.get("/e/episode/qc").json()["findings"]} == {"error", "warning"}


def test_what_is_not_in_the_film_forbids_to_deliver(
    browser: Browser, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "deliverable", lambda _: [])
    act(browser, "approve", line(browser))
    assert browser.ask("/e/episode/deliver").json()["code"] == "dirty"
    browser.ask("/e/episode/undo")
    word = browser.ask("/e/episode/deliver").json()
    assert (word["who"], word["files"]) == ("jiwoo", ["described.mp4"])
    assert json.loads((out / "episode" / "review" / "delivered.json").read_text()) == word


def test_lists_histories_and_comparisons(browser: Browser, out: Path) -> None:
    results_folder(out, "second", lines=1)
    assert "2 of 2" in browser.get("/").text
    assert "1 of 2" in browser.get("/?q=SECOND").text
    assert "0 of 2" in browser.get("/?show=done").text
    act(browser, "edit", line(browser), text="비가 온다.")
    assert "비가 온다." in browser.get("/e/episode/history").text
    json_type = {"Accept": "application/json"}
    assert browser.get("/e/episode/history", headers=json_type).json()["acts"][0]["kind"] == "edit"
    assert browser.get("/e/episode/history?line=none", headers=json_type).json()["acts"] == []
    row = browser.get("/e/episode/compare", headers=json_type).json()["lines"][0]
    assert (row["draft"], row["now"]) == ("1. 문이 열린다.", "비가 온다.")
    assert "비가 온다." in browser.get("/e/episode/compare").text


def test_a_line_and_a_silent_second_say_why(browser: Browser, out: Path) -> None:
    json_type = {"Accept": "application/json"}

    def told(at: str) -> str:
        answer = browser.get(f"/e/episode/why?at={at}", headers=json_type)
        assert str(out) not in answer.text, "no path of the server"
        return str(answer.json())

    assert "Spoken from 0:06.0 to 0:07.5" in told(line(browser, 1)["id"])
    assert "Gap g00002" in told("9.4")
    assert "lines are spoken" in told("")
    page = browser.get("/e/episode/why?at=n00001").text
    assert "<h2>What became of it</h2>" in page
    assert '<q lang="ko">1. 문이 열린다.</q>' in page
    assert 'src="/e/episode/keyframes/k.jpg"' in page
    assert "해설이 없는" in browser.get("/e/episode/why", headers={"Accept-Language": "ko"}).text
    assert browser.get("/e/episode/why?at=nothing", headers=json_type).status_code == 422


def test_a_text_of_the_machine_is_told_in_the_language_of_whoever_looks(browser: Browser, out: Path) -> None:
    workspace = Workspace(out / "episode" / "workspace")
    gaps = [gap.model_copy(update={"usable": False, "why": Protected()}) for gap in workspace.read(Gap)]
    write(workspace, "gaps", gaps)
    for language, why in (("en", "a song that must stay heard"), ("ko", "들려야 하는 노래")):
        state = browser.get("/e/episode/state", headers={"Accept-Language": language}).json()
        assert {gap["why"] for gap in state["gaps"]} == {why}


def test_the_language_is_the_browsers_until_another_is_chosen(browser: Browser) -> None:
    korean = {"Accept-Language": "fr, ko-KR;q=0.8, en;q=0.5"}
    assert '<html lang="ko"' in browser.get("/", headers=korean).text
    assert '<html lang="en"' in browser.get("/").text
    browser.get("/language?to=ko&back=/")
    assert '<html lang="ko"' in browser.get("/").text
    assert "페이지" in browser.get("/nowhere").json()["error"]
    assert browser.get("/language?to=en&back=//evil.example", follow_redirects=False).headers["location"] == "/"


def test_a_damaged_episode_is_told_in_the_list(browser: Browser, out: Path) -> None:
    results_folder(out, "second")
    (out / "second" / "workspace" / "script" / "script.json").write_text("{")
    page = browser.get("/")
    assert page.status_code == 200
    assert "is not a narration script" in page.text
    shutil.rmtree(out / "second")
    assert "1 of 1" in browser.get("/").text


def test_a_new_run_is_seen_at_once(browser: Browser, out: Path) -> None:
    assert len(browser.get("/e/episode/state").json()["lines"]) == 3
    results_folder(out, lines=5)
    assert len(browser.get("/e/episode/state").json()["lines"]) == 5


def test_events_tell_who_is_there_and_what_they_do() -> None:
    async def scene() -> list[tuple[str, Any]]:
        hub, heard = Hub(), []
        hub.begin()

        async def listens() -> None:
            async for event in hub.listen("episode", "sua"):
                heard.append((event["event"], json.loads(event["data"])))
                if event["event"] == "acts":
                    return

        listening = asyncio.create_task(listens())
        await asyncio.sleep(0)
        hub.moved("episode", "sua", "line-1")
        await asyncio.to_thread(hub.tell, "episode", "acts", {"number": 1})
        await asyncio.wait_for(listening, 5)
        assert hub.present("other") == []
        return heard

    assert asyncio.run(scene()) == [
        ("presence", [{"name": "sua", "line": None}]),
        ("presence", [{"name": "sua", "line": "line-1"}]),
        ("acts", {"number": 1}),
    ]


def test_a_listener_that_does_not_keep_up_is_let_go() -> None:
    async def scene() -> int:
        hub = Hub()
        hub.begin()
        listener = hub.listen("episode", "sua")
        await anext(listener)
        for number in range(BACKLOG + 1):
            hub._send("episode", "acts", number)
        assert hub.present("episode") == []
        return sum([1 async for _ in listener])

    assert asyncio.run(scene()) == BACKLOG - 1


def test_a_defect_is_told_in_the_language_of_the_visitor(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(applying, "sound", fails)
    browser = Browser(serve()().app, base_url=ADDRESS, raise_server_exceptions=False)
    answer = browser.get("/e/episode/sound", headers={"Accept-Language": "ko"})
    assert (answer.status_code, answer.json()["code"]) == (500, "defect")
    assert "결함" in answer.json()["error"]
    assert "ZeroDivisionError" not in answer.text
