"""The comparison for people and for programs: JSON, Markdown, and a self-contained page with plots."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from data.files import write_atomically
from data.formats.cue import timecode
from data.messages import current, tr
from data.scripts.line import ScriptLine
from finetune.descriptions.evaluate import DescriptionReport, Matched
from finetune.descriptions.measure import Figure
from finetune.descriptions.plots import bars, timeline

SHOWN = 15
"""Best and worst pairs, and unmatched lines of each side, that are shown; the JSON holds all."""
RANKED_BY = ("KoSBERT", "BERTScore F1", "chrF")
"""What pairs are sorted by: the first of these that was computed."""


def write_report(folder: Path, report: DescriptionReport) -> None:
    """`descriptions.json`, `.md`, `.html` and the two pictures in `folder`, messages in the current language."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = bars(report), timeline(report)
    for name, content in (
        ("descriptions.json", (report.model_dump_json(indent=1) + "\n").encode()),
        ("descriptions.md", markdown(report).encode()),
        ("descriptions.html", page(report, *pictures).encode()),
        ("descriptions-figures.png", pictures[0]),
        ("descriptions-timeline.png", pictures[1]),
    ):
        write_atomically(folder / name, content)


def markdown(report: DescriptionReport) -> str:
    """Figures, what is missing, best and worst pairs and unmatched lines as tables."""
    lines = [f"# {title()}", "", *summary(report), "", *_table(figure_heads(), map(figure_row, report.figures)), ""]
    lines += [f"## {tr('Not computed')}", "", *(f"- {name}: {why}" for name, why in report.not_computed.items()), ""]
    for heading, pairs in ranked(report).items():
        rows = ((timecode(p.human.start), p.human.text, p.said, f"{p.values[ranked_by(report)]:g}") for p in pairs)
        lines += [f"## {heading}", "", *_table(pair_heads(report), rows), ""]
    for heading, left in unmatched(report).items():
        lines += [f"## {heading}", "", *(f"- {timecode(line.start)} {_cell(line.text)}" for line in left[:SHOWN]), ""]
    return "\n".join(lines)


def page(report: DescriptionReport, figures: bytes, times: bytes) -> str:
    """One HTML page that stands alone, in the current language. Texts are escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html.j2").render(
        tr=tr, lang=current(), title=title(), report=report, summary=summary(report), clock=timecode, shown=SHOWN,
        figure_heads=figure_heads(), figures=list(map(figure_row, report.figures)), pair_heads=pair_heads(report),
        ranked=ranked(report), by=ranked_by(report), unmatched=unmatched(report),
        bars=base64.b64encode(figures).decode(), timeline=base64.b64encode(times).decode(),
    )  # fmt: skip


def title() -> str:
    """The heading of the report."""
    return tr("Our descriptions beside the human ones")


def summary(report: DescriptionReport) -> list[str]:
    """What was compared, how lines were matched, and how to read it, in sentences."""
    compared = tr(
        "{lines} lines of ours, {human} human lines; {covered:.1%} of the human lines have one of ours, "
        "{unmatched:.1%} of ours belong to none.",
        lines=report.lines, human=report.human_lines, covered=report.coverage, unmatched=report.unmatched,
    )  # fmt: skip
    how = (
        tr("Lines were matched one to one in order, by time and text ({name}).", name=report.matched_by)
        if report.matching == "events"
        else tr("Our lines were gathered into the stretch of the nearest human line; text played no part.")
    )
    caution = tr(
        "Figures of text hold for matched lines alone: read them beside the coverage, and several of them, never one. "
        "Published figures were computed on other tokens and models."
    )
    return [compared, how, caution]


def figure_heads() -> list[str]:
    """Heads of the table of figures."""
    return [
        tr("figure"),
        tr("counted over"),
        tr("value"),
        tr("human script"),
        tr("best possible"),
        tr("better when"),
        tr("by"),
    ]


def figure_row(figure: Figure) -> list[str]:
    """A row of the table of figures."""
    units = {
        "words": tr("words or morphemes"), "characters": tr("characters"), "text": tr("the text as it is"),
        "lines": tr("lines"), "names": tr("names"), "pictures": tr("pictures"),
    }  # fmt: skip
    human = "–" if figure.human is None else f"{figure.human:g}"
    over, better = (
        f"{units[figure.unit]} ({figure.counted})",
        tr("higher") if figure.better == "higher" else tr("lower"),
    )
    return [figure.name, over, f"{figure.value:g}", human, f"{figure.best:g}", better, figure.by or "–"]


def ranked_by(report: DescriptionReport) -> str:
    """The figure that pairs are sorted by; empty where no line is matched."""
    known = {name for pair in report.pairs for name in pair.values}
    return next((name for name in RANKED_BY if name in known), "")


def pair_heads(report: DescriptionReport) -> list[str]:
    """Heads of the tables of pairs."""
    return [tr("time"), tr("human script"), tr("ours"), ranked_by(report)]


def ranked(report: DescriptionReport) -> dict[str, Sequence[Matched]]:
    """Heading → pairs: the best and the worst, no pair in both."""
    pairs = sorted(report.pairs, key=lambda pair: -pair.values[ranked_by(report)])
    half = min(SHOWN, (len(pairs) + 1) // 2)
    return {tr("Best matches"): pairs[:half], tr("Worst matches"): pairs[half:][-SHOWN:][::-1]}


def unmatched(report: DescriptionReport) -> dict[str, Sequence[ScriptLine]]:
    """Heading → lines of one side alone."""
    return {
        tr("Human lines without one of ours ({count})", count=len(report.only_human)): report.only_human,
        tr("Our lines without a human one ({count})", count=len(report.only_ours)): report.only_ours,
    }


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in cells]


def _cell(text: str) -> str:
    """Text that Markdown takes for nothing else."""
    return html.escape(text, quote=False).replace("|", "\\|")
