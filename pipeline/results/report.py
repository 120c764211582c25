"""The report of the check as people are given it, in the language of whoever asks."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from data.files import write_atomically
from data.messages import current
from data.products import CheckReport
from data.workspace import Workspace

FILES = (CheckReport.pattern, str(Path(CheckReport.pattern).with_suffix(".html")))
"""What the report is delivered as: data, and the page."""


def rendered(workspace: Workspace) -> list[Path]:
    """`report.json` and `report.html`, made anew where the check has been since; empty before it has."""
    from stages.check.report import Report, page, scene, told

    source = workspace.open(CheckReport).path
    if source is None or not workspace.made(CheckReport):
        return []
    folder = workspace.folder / "report" / current()
    data, html = (folder / name for name in FILES)
    if not (html.exists() and html.stat().st_mtime_ns > workspace.stamp(CheckReport)[0]):
        try:
            report = Report.model_validate_json(source.read_bytes())
        except ValidationError:  # another version rendered it itself, and it stays until the check has run again
            return [source.parent / name for name in FILES if (source.parent / name).exists()]
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(data, json.dumps(told(report), ensure_ascii=False, indent=1).encode())
        write_atomically(html, page(report, scene(workspace)).encode())
    return [data, html]
