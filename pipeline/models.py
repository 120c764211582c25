"""The models a profile needs: which they are, which are missing here, and how they come here before a run starts."""

from __future__ import annotations

import importlib.util
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from data.errors import ConfigError, UserError
from data.messages import tr
from pipeline import config as settings
from pipeline.commands.downloads import Downloads
from pipeline.config import Config
from pipeline.jobs import in_use
from pipeline.runner import plan
from pipeline.work import Work
from stages import STAGES
from stages.backend import Resources, Weights
from stages.loading import offline
from stages.sources import VoiceOfRun
from stages.stage import Stage


@dataclass(frozen=True)
class Need:
    """What one stage of a profile runs on."""

    stage: str
    backend: str
    weights: tuple[Weights, ...]
    """Empty where its package or a service has them."""
    resources: Resources


@dataclass(frozen=True)
class Chosen:
    """A profile as it was asked for on the command line."""

    profile: str
    assignments: Sequence[str] = ()

    def command(self, verb: str) -> str:
        """The `vdesc models` command for the same settings."""
        changes = [part for assignment in self.assignments for part in ("--set", assignment)]
        return shlex.join(["vdesc", "models", verb, "-c", self.profile, *changes])


def needs(config: Config, stages: Iterable[Stage] = STAGES) -> Iterator[Need]:
    """What every stage with a backend runs on; loads nothing. Raises ConfigError."""
    for stage in stages:
        backend = settings.make_backend(stage, config)
        if backend is not None:
            name = settings.backend_name(stage, config)
            yield Need(stage.name, name, tuple(backend.weights()), stage.resources + backend.resources())


def resources(stage: Stage, config: Config) -> Resources:
    """What the stage takes: on its own, by its backend, and by the voice where it asks that. Raises ConfigError."""
    backends = [settings.make_backend(one, config) for one in with_voice([stage], {stage.name})]
    return sum((backend.resources() for backend in backends if backend), stage.resources)


def told(takes: Resources) -> str:
    """Resources in words."""
    said = [tr("all cores") if takes.cores is None else tr("{number} cores", number=takes.cores)]
    if takes.cores == 1:
        said = [tr("one core")]
    if takes.gpu_memory:
        said.append(tr("more than {size:.2f} GB of a GPU if there is one", size=takes.gpu_memory / 1e9))
    elif takes.gpu_memory is None:
        said.append(tr("a GPU if there is one"))
    return ", ".join([*said, tr("the network")] if takes.network else said)


def absent(found: Iterable[Need]) -> list[Weights]:
    """The weights that are not on this machine, each once."""
    missing = [weights for need in found for weights in need.weights if weights.where is None]
    return list({weights.name: weights for weights in missing}.values())


def to_download(weights: Iterable[Weights]) -> tuple[int, int]:
    """Bytes to download in all, and how many are of unknown size."""
    sizes = [w.size for w in weights]
    return sum(size or 0 for size in sizes), sizes.count(None)


def fetch(found: Iterable[Weights], downloads: Downloads, *, update: bool = False) -> list[UserError]:
    """Download what is missing, or with `update` what is newer; the errors of those that failed."""
    failed: list[UserError] = []
    for weights in found:
        download = weights.update if update and weights.update else weights.fetch
        try:
            with downloads.of(weights) as progress:
                download(progress)
        except UserError as error:
            failed.append(error)
    return failed


def prepare(works: Sequence[Work], config: Config, until: str | None, chosen: Chosen, downloads: Downloads) -> None:
    """Have everything here that the stages which will run need, before any of them starts.

    Raises ConfigError that names all that is missing where it cannot be had.
    """
    need_packages([stage for stage in with_voice(in_use(config, until)) if stage.role], config)
    will_run = {step.stage for work in works for step in plan(work, config, until) if step.state != "cached"}
    stages = [stage for stage in with_voice(in_use(config, until), will_run) if stage.role]
    missing = absent(needs(config, stages))
    refused = [_out_of_reach(missing, chosen)] if missing and offline() else []
    refused += [why for stage in stages if not _kept(stage, works) and (why := _not_ready(stage, config))]
    if refused:
        raise ConfigError("; ".join(refused))
    if failed := fetch(missing, downloads):
        raise ConfigError(
            "{cause} (all at once: `{command}`; nothing to download: --config embedded)",
            cause="; ".join(map(str, failed)),
            command=chosen.command("fetch"),
        )


def with_voice(used: Sequence[Stage], named: Iterable[str] | None = None) -> list[Stage]:
    """The stages of those names, and the voice where one of them speaks, in their order."""
    chosen = [stage for stage in used if named is None or stage.name in named]
    speaks = any(VoiceOfRun in stage.reads for stage in chosen)
    return [stage for stage in STAGES if stage in chosen or (speaks and stage.role == "voice")]


def need_packages(stages: Sequence[Stage], config: Config) -> None:
    """Raise ConfigError where a package is missing that a backend imports when it loads."""
    wanted = {name: stage for stage in stages for name in packages(stage, config)}
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            "{stages}: the packages {packages} are missing; run pip install 'videodescription[models]', "
            "or use --config embedded, which needs none of them",
            stages=", ".join(dict.fromkeys(wanted[name].name for name in missing)),
            packages=", ".join(missing),
        )


def _kept(stage: Stage, works: Sequence[Work]) -> bool:
    """Whether the stage has answers of an earlier try, with which it may need none."""
    return any(any(work.workspace.cache(stage.name).iterdir()) for work in works)


def _not_ready(stage: Stage, config: Config) -> str | None:
    backend = settings.make_backend(stage, config)
    try:
        if backend:
            backend.ready()
    except ConfigError as error:
        return str(error)
    return None


def packages(stage: Stage, config: Config) -> Sequence[str]:
    """The modules the stage's backend imports when it loads."""
    backend = settings.backend_class(stage, config)
    return backend.packages if backend else ()


def _out_of_reach(missing: Sequence[Weights], chosen: Chosen) -> str:
    return tr(
        "Not on this machine, and --offline forbids fetching: {weights}. Run `{command}` once with a network, "
        "or use --config embedded, which downloads nothing",
        weights=", ".join(weights.name for weights in missing), command=chosen.command("fetch"),
    )  # fmt: skip
