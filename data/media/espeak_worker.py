"""One utterance of espeak-ng in a process of its own: text on stdin, 16-bit mono samples on stdout.

    python espeak_worker.py LIBRARY DATA VOICE RATE PITCH < text > samples

The first four bytes of the output are the sampling rate, little-endian. espeak-ng is GPL-3: it is loaded here and
nowhere else, so this program and the rest talk through pipes alone. One process speaks one text, because the
library keeps state from text to text (the same sentence comes out differently the second time).
"""

from __future__ import annotations

import ctypes
import signal
import sys
from pathlib import Path

# From espeak-ng/speak_lib.h.
AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
PARAMETER_RATE, PARAMETER_PITCH = 1, 3
POSITION_CHARACTER = 1
CHARS_UTF8 = 1
Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def _load(library: str, data: str) -> tuple[ctypes.CDLL, int]:
    """The initialised library and its sampling rate."""
    espeak = ctypes.CDLL(library)
    espeak.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    espeak.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    rate = espeak.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, data.encode(), INITIALIZE_DONT_EXIT)
    if rate <= 0:
        sys.exit(f"espeak-ng does not start with the data in {data}")
    espeak.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
    espeak.espeak_ng_SetRandSeed(1)  # else the clock is the seed, and the breath of some variants differs
    return espeak, rate


def main(library: str, data: str, voice: str, rate: str, pitch: str) -> None:
    """Speak stdin to stdout; ends with a message on stderr and a non-zero code when that fails."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    espeak, sampling = _load(library, data)
    if espeak.espeak_SetVoiceByName(voice.encode()) != 0:
        sys.exit(f"espeak-ng has no voice {voice}")
    espeak.espeak_SetParameter(PARAMETER_RATE, int(rate), 0)
    espeak.espeak_SetParameter(PARAMETER_PITCH, int(pitch), 0)
    samples = bytearray()

    def receive(wave: ctypes._Pointer[ctypes.c_short], count: int, _events: int) -> int:
        if wave and count:
            samples.extend(ctypes.string_at(wave, count * 2))
        return 0

    callback = Callback(receive)
    espeak.espeak_SetSynthCallback(callback)
    text = sys.stdin.buffer.read() + b"\0"
    if espeak.espeak_Synth(text, len(text), 0, POSITION_CHARACTER, 0, CHARS_UTF8, None, None) != 0:
        sys.exit("espeak-ng refused the text")
    sys.stdout.buffer.write(sampling.to_bytes(4, "little") + bytes(samples))


if __name__ == "__main__":
    if not Path(sys.argv[1]).is_file():
        sys.exit(f"no library {sys.argv[1]}")
    main(*sys.argv[1:])
