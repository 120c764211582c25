"""The review page of a long episode in a real browser: when it can be used, and how long an edit and its voice take.

    python -m benchmarks.review_page

600 lines and 1,500 keyframes with four candidates and five things seen each, at a server on loopback, in Chromium.
Every figure is the median of five. Interactive: from the beginning of the navigation to the moment when every script
has run, all lines are in the list and keys work; the first visit is that of a server that has just started. An edit:
from the key press to the answer that it is saved, and on to the shown result of its check. A voice: from the key press
on a text that was never spoken to the moment when the browser plays it; saving the text before is not counted.

Writes `benchmarks/results/review_page.md`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.harness import machine
from benchmarks.row import Row
from data.evidence import Object
from data.records import Candidate, Context, Ranked
from data.sample import make
from data.workspace import Workspace
from pipeline.config import model
from pipeline.media_episode import episode_of
from tests.pipeline.review import made
from tests.pipeline.review.chrome import chromium, served

RESULTS = Path(__file__).parent / "results" / "review_page.md"
LINES, KEYFRAMES, CANDIDATES, SEEN, TIMES = 600, 1500, 4, 5, 5
