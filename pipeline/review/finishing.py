"""From the review to finished files: applying in the background, and delivering what stands."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from data.errors import UserError
from data.files import write_atomically
from data.records import Finding
from pipeline.results import delivery
from pipeline.review import applying
from pipeline.review.desk import Desk
from pipeline.review.reading import standing

log = logging.getLogger(__name__)

REGISTER = "delivered.json"


@dataclass
class Workshop:
    """What is being applied, an episode at a time each."""

    desk: Desk
    _running: dict[str, applying.Applying] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, episode: str, who: str) -> bool:
        """Save what people decided and bring the film in step with it; False where that is going on already."""
        results = self.desk.results(episode)
        with self._lock:
            if episode in self._running and self._running[episode].running:
                return False
            self.desk.session(episode, who).save_applied()
            self._running[episode] = applying.start(results, lambda event: self.desk.hub.tell(episode, "apply", event))
        return True

    def resume(self) -> None:
        """Finish what a server that was killed had begun to put in place, before anybody looks."""
        for name, results in self.desk.folders().items():
            try:
                applying.resume(results)
            except UserError:
                log.warning("%s: another run works in it", name)

    def stop(self) -> None:
        """End what is running; the results stay as they were, and the next time begins anew."""
        with self._lock:
            for applied in self._running.values():
                if applied.running:
                    applied.stop()


def sound(desk: Desk, episode: str, who: str) -> dict[str, Any]:
    """Ducks and clips of the lines as they stand, the clips as addresses."""
    found = applying.sound(desk.results(episode), desk.session(episode, who).lines())
    url = f"/e/{quote(episode)}/clips/"
    clips = [{key: value for key, value in clip.items() if key != "file"} for clip in found["clips"]]
    for clip, source in zip(clips, found["clips"], strict=True):
        clip["url"] = url + Path(source["file"]).name
    return {"ducks": found["ducks"], "clips": clips}


def in_the_way(desk: Desk, episode: str, who: str) -> tuple[list[Finding], bool]:
    """What forbids to deliver: errors of the check, and whether changes wait to be applied."""
    return applying.deliverable(desk.results(episode)), bool(standing(desk, episode, who)["dirty"])


def deliver(desk: Desk, episode: str, who: str) -> dict[str, Any]:
    """Write down that the files in the results folder are final, and by whose word; returns what was written."""
    results = desk.results(episode)
    names = [path.name for stage in delivery.DELIVERED for path in delivery.deliverables(stage, results)]
    applied_to = standing(desk, episode, who)["applied"]
    word = {"who": who, "at": datetime.now(UTC).isoformat(), "act": applied_to, "files": names}
    write_atomically(results / "review" / REGISTER, json.dumps(word, ensure_ascii=False, indent=1).encode())
    return word
