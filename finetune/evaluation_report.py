"""The evaluation for people: Markdown, a self-contained page with plots and the worst misses, and JSON."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path

from data.files import write_atomically
from data.media.pictures import thumbnail
from data.messages import current, tr
from finetune.evaluate import Evaluation, Miss
from finetune.ranking_metrics import Interval, Metric

BETTER: Mapping[Metric, str] = {"accuracy": "↑", "mrr": "↑", "regret": "↓"}
TITLES: Mapping[Metric, str] = {"accuracy": "accuracy@1", "mrr": "MRR", "regret": "regret"}


def write_report(folder: Path, evaluation: Evaluation, pictures: Path) -> None:
    """`evaluation.json`, `.md`, `.html` and `evaluation.png` in `folder`; images are looked for from `pictures`."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = plot(evaluation)
    write_atomically(folder / "evaluation.png", picture)
    write_atomically(folder / "evaluation.json", (evaluation.model_dump_json(indent=1) + "\n").encode())
    write_atomically(folder / "evaluation.md", markdown(evaluation).encode())
    write_atomically(folder / "evaluation.html", page(evaluation, picture, pictures).encode())


def markdown(evaluation: Evaluation) -> str:
    """The figures as tables."""
    metrics = list(evaluation.judges[0].metrics)
    heads = [tr("ranker"), *(f"{_name(m)} {BETTER[m]}" for m in metrics)]
    rows = [[j.name, *(_told(j.metrics[m]) for m in metrics)] for j in evaluation.judges]
    lines = [f"# {tr('How well {ranker} ranks', ranker=evaluation.ours)}", "", _summary(evaluation), ""]
    lines += [*_table(heads, rows), "", f"## {tr('Against each rival')}", "", *_verdicts(evaluation), ""]
    heads = [tr("metric"), tr("rival"), tr("difference"), "p"]
    rows = [[_name(c.metric), c.other, _told(c.difference), f"{c.p:.4f}"] for c in evaluation.comparisons]
    lines += [*_table(heads, rows), "", f"## {tr('By drama')}", ""]
    heads = [tr("drama"), tr("examples"), *(j.name for j in evaluation.judges)]
    rows = [
        [drama, str(count), *(f"{j.dramas[drama][metrics[0]]:.3f}" for j in evaluation.judges)]
        for drama, count in evaluation.dramas.items()
    ]
    return "\n".join([*lines, f"{_name(metrics[0])} {BETTER[metrics[0]]}", "", *_table(heads, rows), ""])


def _summary(evaluation: Evaluation) -> str:
    return tr(
        "{examples} examples of {dramas} dramas, {offered} texts to choose from on average; {left_out} examples "
        "without a choice are left out. In brackets: 95 % confidence intervals (bootstrap; of whole dramas where "
        "there are ten or more).",
        examples=evaluation.examples, dramas=len(evaluation.dramas), offered=evaluation.offered,
        left_out=evaluation.left_out,
    )  # fmt: skip


def _verdicts(evaluation: Evaluation) -> list[str]:
    """What is beaten and what is not, in words, for every metric."""
    lines = []
    for metric in evaluation.judges[0].metrics:
        beaten = evaluation.beaten(metric)
        won = ", ".join(name for name, better in beaten.items() if better) or "–"
        lost = ", ".join(name for name, better in beaten.items() if not better) or "–"
        told = tr("{metric}: better than {won} (intervals apart); not shown to be better than {lost}",
                  metric=_name(metric), won=won, lost=lost)  # fmt: skip
        lines.append(f"- {told}")
    return lines


def _name(metric: Metric) -> str:
    return tr("regret") if metric == "regret" else TITLES[metric]


def _told(value: Interval) -> str:
    return f"{value.mean:.3f} [{value.low:.3f}, {value.high:.3f}]"


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    cells = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]


def plot(evaluation: Evaluation) -> bytes:
    """A PNG: each judge's metrics with their intervals, ours in another colour."""
    from matplotlib.figure import Figure

    metrics, judges = list(evaluation.judges[0].metrics), evaluation.judges[::-1]
    figure = Figure(figsize=(4 * len(metrics), 0.5 * len(judges) + 1), layout="constrained")
    for axes, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        for place, judge in enumerate(judges):
            value = judge.metrics[metric]
            around = [[max(value.mean - value.low, 0)], [max(value.high - value.mean, 0)]]
            colour = "#b3261e" if judge.name == evaluation.ours else "#37474f"
            axes.errorbar(value.mean, place, xerr=around, fmt="o", capsize=4, color=colour)
        axes.set_yticks(range(len(judges)), [judge.name for judge in judges])
        axes.set_title(f"{TITLES[metric]} {BETTER[metric]}")
        axes.grid(axis="x", alpha=0.3)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def page(evaluation: Evaluation, picture: bytes, pictures: Path) -> str:
    """One HTML page that stands alone: figures, plot, worst misses with their pictures. Texts are escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    metrics = list(evaluation.judges[0].metrics)
    return environment.get_template("evaluation.html.j2").render(
        tr=tr, lang=current(), evaluation=evaluation, summary=_summary(evaluation), metrics=metrics,
        names={m: f"{_name(m)} {BETTER[m]}" for m in metrics}, told=_told, verdicts=_verdicts(evaluation),
        plot=base64.b64encode(picture).decode(), misses=[(m, _picture(m, pictures)) for m in evaluation.misses],
    )  # fmt: skip


def _picture(miss: Miss, pictures: Path) -> str | None:
    """The miss's keyframe as a data URI; None where there is none."""
    path = pictures / miss.image if miss.image else None
    return thumbnail(path) if path and path.is_file() else None
