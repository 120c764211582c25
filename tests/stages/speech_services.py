"""Online speech services on loopback, spoken by espeak-ng, with the faults a test wants: Google, Microsoft, OpenAI."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import html
import io
import json
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import av
import numpy as np
from aiohttp import WSMsgType, web

from data.media import espeak

WORDS_PER_MINUTE = 180  # about 5.5 Korean syllables a second


def speech(text: str, faster: float = 1.0) -> tuple[np.ndarray[Any, Any], int]:
    """`text` by espeak-ng, Hangul by its Korean voice."""
    return espeak.speak(text, "ko" if re.search("[가-힣]", text) else "en-us", round(WORDS_PER_MINUTE * faster))


def encoded(samples: np.ndarray[Any, Any], rate: int, container: str = "mp3", codec: str = "libmp3lame") -> bytes:
    """Samples as a file in memory."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=rate, frame_size=stream.frame_size or 1152
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return file.getvalue()


def mp3(text: str, faster: float = 1.0) -> bytes:
    """`text` as speech in MP3."""
    return encoded(*speech(text, faster))


class Service:
    """What both servers share: the texts they were asked for, and the faults still to come, one a request."""

    def __init__(self, url: str = "") -> None:
        self.asked: list[str] = []
        self.keys: list[str] = []
        self.tries = 0
        self.rates: list[float] = []
        self.requests: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.always = ""
        self.url = url

    def fault(self) -> str:
        self.tries += 1
        return self.faults.pop(0) if self.faults else self.always


class Handler(BaseHTTPRequestHandler):
    """Answers what `answer` of its server makes of a request's body."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        service: Service = self.server.service  # type: ignore[attr-defined]
        request = self.rfile.read(int(self.headers["Content-Length"]))
        text = self.server.read(service, request)  # type: ignore[attr-defined]
        service.asked.append(text)
        service.keys.append(self.headers.get("Authorization", ""))
        fault = service.fault()
        if fault == "drop":
            self.close_connection = True
            return
        status = int(fault) if fault.isdigit() else 200
        refusal = b'{"error": {"message": "no such thing"}}'
        body = self.server.answer(service, text, fault) if status == 200 else refusal  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault == "half" else body)
        self.close_connection = fault == "half"

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def served(read: Callable[[Service, bytes], str], answer: Callable[[Service, str, str], bytes]) -> Iterator[Service]:
    """A service whose requests `read` understands and `answer` answers, with a fault or without."""
    service, server = Service(), ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    vars(server).update(service=service, read=read, answer=answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def google() -> contextlib.AbstractContextManager[Service]:
    """Google Translate's batchexecute, as gTTS asks it."""
    return served(google_text, google_answer)


def openai() -> contextlib.AbstractContextManager[Service]:
    """POST /audio/speech, as OpenAI's library asks it."""
    return served(openai_text, openai_answer)


def openai_text(service: Service, request: bytes) -> str:
    body = json.loads(request)
    service.requests.append(body)
    service.rates.append(body.get("speed", 1.0))
    return str(body["input"])


def openai_answer(service: Service, text: str, fault: str) -> bytes:
    if fault in ("null", "html"):
        return {"null": b"", "html": b'{"error": "overloaded"}'}[fault]
    sounds = {"silent": (np.zeros(24_000, np.float32), 24_000), "short": speech("아")}
    samples, rate = sounds.get(fault) or speech(text, service.rates[-1])
    return b"no sound" if fault == "garbage" else encoded(samples, rate, "wav", "pcm_s16le")


def google_text(_: Service, request: bytes) -> str:
    form = urllib.parse.parse_qs(request.decode())
    return str(json.loads(json.loads(form["f.req"][0])[0][0][1])[0])


def google_answer(_: Service, text: str, fault: str) -> bytes:
    sound = {
        "silent": lambda: encoded(np.zeros(24_000, np.float32), 24_000),
        "garbage": lambda: b"\x00\x01 no sound at all",
        "short": lambda: encoded(*speech("아")),
    }.get(fault, lambda: mp3(text))()
    if fault == "html":
        return b"<html>unusual traffic</html>"
    if fault == "null":
        return b'[["wrb.fr","jQ1olc",null,null]]'
    return b')]}\'\n\n[["wrb.fr","jQ1olc","[\\"' + base64.b64encode(sound) + b'\\"]",null,null,null,"generic"]]'


@contextlib.contextmanager
def microsoft() -> Iterator[Service]:
    """The websocket of Edge's read-aloud, as edge-tts asks it."""
    service = Service()
    ready, loop = threading.Event(), asyncio.new_event_loop()
    runner: web.AppRunner

    async def answer(request: web.Request) -> web.StreamResponse:
        return await edge_answer(request, service)

    async def start() -> None:
        nonlocal runner
        app = web.Application()
        app.router.add_get("/edge", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        service.url = f"ws://127.0.0.1:{runner.addresses[0][1]}/edge?token=x"
        ready.set()

    def serve() -> None:
        loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(10)
    try:
        yield service
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def edge_answer(request: web.Request, service: Service) -> web.StreamResponse:
    fault = service.fault()
    if fault.isdigit():
        return web.Response(status=int(fault), headers={"Retry-After": "0"})
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.receive()  # what sound is wanted
    message = await socket.receive()
    if message.type != WSMsgType.TEXT:
        return socket
    ssml = message.data.split("\r\n\r\n", 1)[1]
    text = html.unescape(re.sub("<[^>]*>", "", ssml))
    faster = 1 + int(re.search(r"rate='([+-]\d+)%'", ssml)[1]) / 100  # type: ignore[index]
    service.asked.append(text)
    service.rates.append(faster)
    if fault == "drop":
        await socket.close()
        return socket
    await socket.send_str("X-RequestId:1\r\nPath:turn.start\r\n\r\n{}")
    sound = mp3(text, faster) if fault != "silent" else encoded(np.zeros(24_000, np.float32), 24_000)
    sound = b"garbage, no sound" if fault == "garbage" else sound
    for at in range(0, len(sound), 720) if fault != "null" else ():
        head = b"X-RequestId:1\r\nContent-Type:audio/mpeg\r\nPath:audio\r\n"
        await socket.send_bytes(len(head).to_bytes(2, "big") + head + sound[at : at + 720])
        if fault == "half" and at >= len(sound) // 2:
            await socket.close()
            return socket
    await socket.send_str("X-RequestId:1\r\nPath:turn.end\r\n\r\n{}")
    await socket.close()
    return socket
