"""Every defence of the review server, and that without it the attack would work."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.review import attempts, security, visitors
from pipeline.review.accounts import ROLES, Accounts, Person, Role
from pipeline.review.folders import database
from pipeline.review.routes import media
from tests.pipeline.review.browsing import PASSWORD, Browser
from tests.pipeline.review.made import HOSTILE, results_folder

Serve = Callable[..., Callable[[], Browser]]
PEOPLE = (Person("viewer", "viewer"), Person("reviewer", "reviewer"), Person("lead", "lead"))


def test_every_answer_carries_the_policy_and_no_page_has_anything_inline(browser: Browser) -> None:
    for path in ("/", "/e/episode", "/e/episode/history", "/e/episode/compare", "/e/episode/state", "/nowhere"):
        answer = browser.get(path)
        assert "script-src 'self';" in answer.headers["content-security-policy"], path
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        scripts = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", answer.text)
        assert "json" in answer.headers["content-type"] or scripts == []
        assert not re.search(r"<[^>]+\s(?:on\w+|style)=", re.sub(r'"[^"]*"', '""', answer.text)) or "json" in str(
            answer.headers["content-type"]
        )
        assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "localhost.evil"])
def test_a_rebound_name_is_refused(browser: Browser, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert browser.get("/e/episode/state", headers={"Host": host}).status_code == 421
    monkeypatch.setattr(security, "known_host", lambda *_: True)
    assert browser.get("/e/episode/state", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:1", "[::1]:8765", "192.168.0.7", "review.studio:80"])
def test_the_servers_own_names_are_served(serve: Serve, host: str) -> None:
    assert serve(names=["Review.studio"])().get("/", headers={"Host": host}).status_code == 200


CHANGES = ("acts", "undo", "redo", "check", "presence", "lines/a/speak", "lines/a/recording", "apply", "deliver")


@pytest.mark.parametrize("path", [f"/e/episode/{name}" for name in CHANGES] + ["/login", "/logout"])
def test_another_site_cannot_change_anything(browser: Browser, path: str) -> None:
    browser.get("/")
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "é".encode()}):
        answer = browser.post(path, json={}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf")


def test_it_is_the_token_that_keeps_another_site_out(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.get("/")
    monkeypatch.setattr(visitors.hmac, "compare_digest", lambda *_: True)
    assert browser.post("/e/episode/check", json={"text": "비가 온다.", "start": 1}).status_code == 200


def test_a_token_is_worth_nothing_in_another_session(serve: Serve) -> None:
    new = serve()
    mine, theirs = new(), new()
    assert mine.token() != theirs.token()
    assert mine.post("/e/episode/undo", headers={"X-CSRF-Token": theirs.token()}).json()["code"] == "csrf"


def test_cookies_are_kept_from_scripts_and_other_sites(serve: Serve) -> None:
    answer = serve(people=PEOPLE)().sign_in("lead")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_a_planted_session_is_not_the_one_that_is_signed_in(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    new = serve(people=PEOPLE)

    def fixed() -> int:
        attacker, victim = new(), new()
        attacker.get("/login")
        victim.cookies.update(attacker.cookies)
        assert victim.sign_in("lead").status_code == 303
        return attacker.get("/e/episode/state").status_code

    assert fixed() == 401
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: "the same session before and after")
    assert fixed() == 200


def test_signing_out_ends_the_session_for_copies_too(serve: Serve) -> None:
    new = serve(people=PEOPLE)
    browser, thief = new(), new()
    browser.sign_in("viewer")
    thief.cookies.update(browser.cookies)
    assert thief.get("/e/episode/state").status_code == 200
    browser.post("/logout", data={"csrf": browser.token()})
    assert thief.get("/e/episode/state").status_code == 401


def test_a_new_password_ends_the_sessions_of_the_old_one(serve: Serve, out: Path) -> None:
    browser = serve(people=PEOPLE)()
    browser.sign_in("reviewer")
    Accounts(database(out, None)).add("reviewer", "viewer", "another long password")
    assert browser.get("/e/episode/state").status_code == 401


def test_guessing_is_slowed_down(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    new = serve(people=PEOPLE)

    def guesses(name: str) -> list[int]:
        browser = new()
        return [browser.sign_in(name, f"wrong password {n}").status_code for n in range(7)]

    assert guesses("lead") == [401] * 5 + [429] * 2
    assert new().sign_in("lead").status_code == 429
    assert new().sign_in("viewer").status_code == 303
    monkeypatch.setattr(attempts, "LIMITS", {"pair": 99, "address": 99, "name": 99})
    assert guesses("reviewer") == [401] * 7


def test_attempts_are_forgotten_in_time_and_kept_within_bounds() -> None:
    now = [0.0]
    tries = attempts.Attempts(lambda: now[0])
    for _ in range(5):
        tries.failed("A", "1.2.3.4")
    assert 890 <= tries.wait("a", "1.2.3.4") <= 901
    assert tries.wait("a", "1.2.3.5") == 0
    now[0] = attempts.WINDOW + 1
    assert tries.wait("a", "1.2.3.4") == 0
    for number in range(attempts.KEPT):
        tries.failed(f"n{number}", "5.6.7.8")
    assert len(tries._failures) <= attempts.KEPT


NEEDED = dict.fromkeys(("acts", "undo", "redo", "check", "lines/a/speak", "lines/a/recording", "apply"), "reviewer") | {
    "presence": "viewer", "deliver": "lead",
}  # fmt: skip
"""What may be done to an episode, and the role it takes."""


@pytest.mark.parametrize("name", ["viewer", "reviewer", "lead", None])
def test_roles(serve: Serve, name: Role | None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(NEEDED) == set(CHANGES)
    browser = serve(people=PEOPLE)()
    if name:
        assert browser.sign_in(name).status_code == 303
    token = {"X-CSRF-Token": browser.token("/" if name else "/login")}

    def refused() -> set[str]:
        answers = {path: browser.post(f"/e/episode/{path}", headers=token) for path in NEEDED}
        return {path for path, answer in answers.items() if answer.json().get("code") in ("login", "role")}

    allowed = ROLES[: ROLES.index(name) + 1] if name else ()
    assert refused() == {path for path, role in NEEDED.items() if role not in allowed}
    monkeypatch.setattr(Person, "may", lambda *_: True)
    assert refused() == (set() if name else set(NEEDED))


def test_nothing_is_shown_to_whoever_is_not_signed_in(serve: Serve) -> None:
    browser = serve(people=PEOPLE)()
    html = browser.get("/e/episode", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (html.status_code, html.headers["location"]) == (303, "/login?to=/e/episode")
    for path in ("state", "film", "described", "clips/n00001.wav", "keyframes/k.jpg", "events", "history", "compare",
                 "sound", "loudness", "qc", "export/vtt"):  # fmt: skip
        assert browser.get(f"/e/episode/{path}").status_code == 401, path


def test_a_token_stands_in_for_accounts(serve: Serve) -> None:
    browser = serve(token="a secret of this studio")()
    assert browser.get("/e/episode/state").status_code == 401
    assert browser.sign_in("sua", "not the token").status_code == 401
    assert browser.sign_in("sua", "a secret of this studio").status_code == 303
    assert browser.get("/e/episode/state").json()["me"] == {"name": "sua", "role": "lead"}


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\r\nX: y"]
)
def test_signing_in_leads_nowhere_else(serve: Serve, to: str) -> None:
    assert serve(people=PEOPLE)().sign_in("lead", to=to).headers["location"] == "/"


SECRETS = ("..%2F..%2F..%2Foutside.txt", "..%2Fgaps%2Floudness.npy", "%2Fetc%2Fpasswd", "link.jpg", "k.jpg%00.png")


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("kind", ["keyframes", "clips"])
def test_no_path_leads_out_of_the_folder(browser: Browser, out: Path, name: str, kind: str) -> None:
    (out / "outside.txt").write_text("secret")
    folder = out / "episode" / "workspace" / {"keyframes": "keyframes", "clips": "voice"}[kind]
    (folder / "link.jpg").symlink_to(out / "outside.txt")
    answer = browser.get(f"/e/episode/{kind}/{name}")
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_the_way_out_is_what_the_defence_closes(browser: Browser, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (out / "outside.txt").write_text("secret")
    (out / "episode" / "workspace" / "keyframes" / "link.jpg").symlink_to(out / "outside.txt")
    monkeypatch.setattr(media, "inside", lambda folder, name: folder / name)
    assert browser.get("/e/episode/keyframes/link.jpg").text == "secret"


@pytest.mark.parametrize(
    "episode", ["..", "%2e%2e", "..%2Fout%2Fepisode", ".review", "%2Ftmp", "episode%2F..%2Fepisode"]
)
def test_an_episode_is_looked_up_by_name_alone(browser: Browser, episode: str) -> None:
    assert browser.get(f"/e/{episode}/state").status_code == 404


def test_captions_and_titles_are_text(browser: Browser, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results_folder(out, "hostile", text=HOSTILE)
    for path in ("/", "/e/hostile", "/e/hostile/history", "/e/hostile/compare", "/?q=" + HOSTILE):
        page = browser.get(path)
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
    from pipeline.review.templating import templates

    monkeypatch.setattr(templates(), "autoescape", False)
    templates().cache.clear()  # type: ignore[union-attr]
    assert "<script>alert" in browser.get("/e/hostile").text
    templates().cache.clear()  # type: ignore[union-attr]


def upload(browser: Browser, content: bytes, name: str = "a.wav") -> Any:
    line = browser.get("/e/episode/state").json()["lines"][0]["id"]
    headers = {"X-CSRF-Token": browser.token()}
    return browser.post(f"/e/episode/lines/{line}/recording", files={"file": (name, content)}, headers=headers)


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n"


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF", b"RIFF\x24\x00\x00\x00WAVE" + bytes(64), os.urandom(5000), PLAYLIST, b"\x1a\x45\xdf\xa3" + bytes(99),
     b"ffconcat version 1.0\nfile /etc/passwd\n", b"\0\0\0\x18ftypisom" + bytes(40), b"OggS" + bytes(200), b"fLaC"],
    ids=["empty", "cut", "no-format", "noise", "playlist", "webm", "concat", "mp4", "ogg", "flac"],
)  # fmt: skip
def test_what_is_no_recording_is_refused(browser: Browser, out: Path, content: bytes) -> None:
    answer = upload(browser, content)
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong")
    assert not list((out / "episode" / "review").glob("recordings/*"))


def test_passwords_are_never_kept_as_they_are(out: Path) -> None:
    url = database(out, None)
    accounts = Accounts(url)
    accounts.add("sua", "lead", PASSWORD)
    session = accounts.begin_session(Person("sua", "lead"))
    accounts.close()
    kept = b"".join(path.read_bytes() for path in (out / ".review").iterdir())
    assert PASSWORD.encode() not in kept
    assert session.encode() not in kept
    assert b"$argon2id$" in kept
