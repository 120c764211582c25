"""Settings: YAML profiles and `--set` → one frozen model. Unknown keys are errors that name the nearest valid one.

A setting is a field of a stage's `Config`, of a backend's `Options` or of `RunSettings`, and nothing else:
its default, help and type serve YAML, `--set`, the JSON schema and the docs.
"""

from __future__ import annotations

import copy
import difflib
import functools
import importlib
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError, create_model

from data import series, settings
from data.errors import ConfigError
from data.settings import explain, unknown
from pipeline import DEFAULT_PROFILE
from stages import BACKENDS, ROLES, STAGES
from stages.backend import Backend, NoOptions
from stages.faces import Recogniser, cannot_recognise
from stages.sources import RunSettings
from stages.stage import Stage, StageConfig, keyed

PROFILES = Path(__file__).parents[1] / "configs"


class Config(RunSettings):
    """The settings of a run and of every stage; the stage sections are added by `model()`."""

    def section(self, stage: Stage) -> StageConfig:
        """The settings of one stage."""
        return cast(StageConfig, getattr(self, stage.name))

    def run_settings(self) -> RunSettings:
        """The settings of the run alone."""
        return RunSettings(**{name: getattr(self, name) for name in RunSettings.model_fields})


@functools.cache
def model() -> type[Config]:
    """`Config` with one section for each stage of the wiring."""
    sections: dict[str, Any] = {s.name: (stage_module(s).Config, stage_module(s).Config()) for s in STAGES}
    return create_model("Config", __base__=Config, **sections)


def stage_module(stage: Stage) -> Any:
    """The module that holds the stage's code."""
    return importlib.import_module(f"stages.{stage.name}")


def profiles() -> dict[str, str]:
    """Name → first comment line of every shipped profile; `finetune-*` hold settings of training, not of a run."""
    return {
        p.stem: p.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        for p in sorted(PROFILES.glob("*.yaml"))
        if not p.stem.startswith("finetune-")
    }


def load(profile: str = DEFAULT_PROFILE, assignments: Sequence[str] = (), **overrides: Any) -> Config:
    """The settings of a profile (a shipped name or a YAML file) with `key=value` assignments on top.

    `overrides` are run settings given as options of the command; None leaves them as they are.
    Raises ConfigError.
    """
    values = _read(_profile_path(profile))
    given = {key: value for key, value in overrides.items() if value is not None}
    values = _with_series(values, assignments, given)
    for assignment in assignments:
        settings.assign(values, assignment)
    values |= given
    for stage in STAGES:
        if stage.role and isinstance(values.get(stage.name), dict):
            values[stage.name] = _options_in_place(stage, values[stage.name])
    try:
        config = model().model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, model())) from None
    for stage in STAGES:
        if stage.role:
            backend_options(stage, config)
    return config


def _with_series(values: dict[str, Any], assignments: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """A profile's settings with those of the voice that the series wants; another backend has other settings."""
    chosen = copy.deepcopy(values)
    for assignment in assignments:
        settings.assign(chosen, assignment)
    path = given.get("cast", chosen.get("cast"))
    wanted = series.load(Path(path)).voice if isinstance(path, str | Path) else {}
    if not wanted:
        return values
    voice = values.get("voice") or {}
    kept = {} if wanted.get("backend", voice.get("backend")) != voice.get("backend") else voice
    return values | {"voice": kept | wanted}


def backend_class(stage: Stage, config: Config) -> type[Backend] | None:
    """The configured backend of the stage's role; None where the role is switched off. Raises ConfigError."""
    if stage.role is None:
        return None
    return _backend_named(stage, backend_name(stage, config))


def backend_name(stage: Stage, config: Config) -> str:
    """The backend of a stage that has a role, as the settings name it."""
    name: str = getattr(config.section(stage), "backend")  # noqa: B009 – not every StageConfig has it
    return name


def _backend_named(stage: Stage, name: str) -> type[Backend] | None:
    table = BACKENDS[stage.role or ""]
    target = name if ":" in name else table.get(name, "")
    if target is None:
        return None
    if not target:
        raise ConfigError(unknown(f"{stage.name}.backend: {name}", name, table))
    try:
        kind = _imported(target)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            "{key}: {target} cannot be loaded ({cause}); check the path module:Class",
            key=f"{stage.name}.backend",
            target=target,
            cause=error,
        ) from None
    base = _imported(ROLES[stage.role or ""])
    if not isinstance(kind, type) or not issubclass(kind, base) or inspect.isabstract(kind):
        raise ConfigError(
            "{key}: {target} does not fit; it must be derived from {base} and have {methods}",
            key=f"{stage.name}.backend",
            target=target,
            base=ROLES[stage.role or ""],
            methods=", ".join(sorted(base.__abstractmethods__)),
        )
    return cast("type[Backend]", kind)


def _imported(target: str) -> Any:
    """What "module:Name" stands for."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _options_in_place(stage: Stage, section: dict[str, Any]) -> dict[str, Any]:
    """The section with its backend's settings under `options`: `ranking.adapter` is short for ranking.options.adapter.

    A key that the stage itself has is the stage's. Raises ConfigError for a key that other backends have, not this one.
    """
    own = stage_module(stage).Config.model_fields
    name = section.get("backend", own["backend"].default)
    foreign = [key for key in section if key not in own]
    if not foreign or not isinstance(name, str) or not isinstance(section.get("options") or {}, dict):
        return section
    backend = _backend_named(stage, name)
    short = [key for key in foreign if backend and key in backend.Options.model_fields]
    for key in foreign:
        others = [] if key in short else _backends_with(stage, key)
        if others:
            raise ConfigError(
                "{key} is no setting of {backend}, but of {others}: set {stage}.backend as well",
                key=f"{stage.name}.{key}",
                backend=name,
                others=", ".join(others),
                stage=stage.name,
            )
    kept = {key: value for key, value in section.items() if key not in short}
    return kept | {"options": (section.get("options") or {}) | {key: section[key] for key in short}} if short else kept


def _backends_with(stage: Stage, key: str) -> list[str]:
    """The backends of the stage's role that have such an option."""
    found = {name: _backend_named(stage, name) for name in BACKENDS[stage.role or ""]}
    return [name for name, kind in found.items() if kind and key in kind.Options.model_fields]


def backend_options(stage: Stage, config: Config) -> BaseModel:
    """The options of the configured backend, validated. Raises ConfigError."""
    backend = backend_class(stage, config)
    kind = backend.Options if backend else NoOptions
    try:
        return kind.model_validate(getattr(config.section(stage), "options", {}))
    except ValidationError as error:
        raise ConfigError(explain(error, kind, f"{stage.name}.options.")) from None


def make_backend(stage: Stage, config: Config) -> Backend | None:
    """The configured backend, not loaded yet; None where the role is switched off. Raises ConfigError."""
    kind = backend_class(stage, config)
    return kind(backend_options(stage, config)) if kind else None


def check_cast(config: Config) -> None:
    """Raise ConfigError for a series that cannot be used: unreadable, or photos and no backend that knows faces."""
    if config.cast is None:
        return
    found = series.load(config.cast)
    found.introduced_before("")  # what is wrong with the memory is told now
    if config.given_script or not found.people.seen:
        return  # nobody is looked for; the readings count all the same
    faces = next(s for s in STAGES if s.role == "faces")
    detector = backend_class(faces, config)
    if detector is None or not issubclass(detector, Recogniser):
        raise ConfigError(cannot_recognise(backend_name(faces, config)))


def check_extended(config: Config) -> None:
    """Raise ConfigError where an extended film is asked for and cannot be rendered."""
    if config.extend:
        from stages.extended import picture

        picture.check_installed()


def ingredients(stage: Stage, config: Config) -> dict[str, Any]:
    """Every setting the stage's result depends on; with the files they name and what the backend says of itself."""
    section = config.section(stage)
    values = keyed(section) | dict(sorted(section.files().items()))
    backend = make_backend(stage, config)
    if backend is not None:
        values["options"] = keyed(backend_options(stage, config))
        values |= {f"model.{name}": value for name, value in backend.identity().items()}
    return values


def schema() -> dict[str, Any]:
    """JSON Schema of the configuration, with the options of every listed backend under `$defs`."""
    result = model().model_json_schema()
    for role, names in BACKENDS.items():
        for name, target in names.items():
            if target:
                options = _imported(target).Options
                result.setdefault("$defs", {})[f"{role}.{name}.options"] = options.model_json_schema()
    return result


def _profile_path(profile: str) -> Path:
    path = Path(profile)
    if path.suffix in {".yaml", ".yml"}:
        return path
    if profile not in profiles():
        near = difflib.get_close_matches(profile, list(profiles()), n=1, cutoff=0.0)[0]
        raise ConfigError("There is no profile {profile}; did you mean {near}?", profile=profile, near=near)
    return PROFILES / f"{profile}.yaml"


def _read(path: Path) -> dict[str, Any]:
    try:
        return settings.read(path)
    except FileNotFoundError:
        raise ConfigError(
            "There is no configuration file {path}; `vdesc config profiles` lists the shipped ones", path=path
        ) from None
