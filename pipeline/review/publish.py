"""Pages for viewers, one an episode (data.formats.web), and where there are several a list of them."""

from __future__ import annotations

from pathlib import Path

from data.errors import UserError
from data.formats import web
from data.messages import current
from pipeline.results.delivery import described_film
from pipeline.review.folders import results_folders
from pipeline.review.results import script_of
from pipeline.review.templating import templates


def publish(folder: Path, target: Path) -> Path:
    """Write the page of every episode in `folder` into `target`; returns the page to begin with. Raises UserError."""
    found = results_folders(folder)
    if not found:
        raise UserError("{folder} holds no described episode; run vdesc run first", folder=folder)
    try:
        if len(found) == 1:
            return _publish_one(next(iter(found.values())), target)
        for name, results in found.items():
            _publish_one(results, target / name)
        titles = {name: script_of(results).episode.title for name, results in found.items()}
        return web.leave(target, templates().get_template("published_list.html").render(titles=titles, lang=current()))
    except OSError as error:
        cause = error.strerror or error
        raise UserError(
            "The page cannot be written to {folder} ({cause}); choose another one", folder=target, cause=cause
        ) from None


def _publish_one(results: Path, target: Path) -> Path:
    """Raises UserError where there is no described film, OSError."""
    return web.write(described_film(results), script_of(results), target)
