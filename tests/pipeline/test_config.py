"""Settings: defined once, checked, with help that names the nearest key."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from data.errors import ConfigError
from pipeline import config
from stages import BACKENDS, STAGES


def test_every_profile_loads_and_describes_itself() -> None:
    assert "embedded" in config.profiles()
    for name, line in config.profiles().items():
        assert len(line) > 20
        config.load(name)


def test_a_setting_can_be_given() -> None:
    loaded = config.load("embedded", ["voice.rate=4.8", "language=en"], silent_ok=True)
    assert loaded.model_dump()["voice"]["rate"] == 4.8
    assert loaded.language == "en"
    assert loaded.silent_ok


@pytest.mark.parametrize(
    ("assignment", "near"),
    [
        ("voice.rat=4", "voice.rate"),
        ("gaps.min_gaps=2", "gaps.min_gap"),
        ("langage=ko", "language"),
        ("text.backend=rapid", "rapidocr"),
        ("text.options.sides=640", "text.options.side"),
    ],
)
def test_unknown_names_get_the_nearest(assignment: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"did you mean {near}"):
        config.load("embedded", [assignment])


@pytest.mark.parametrize("assignment", ["voice.rate=fast", "language=fr", "voice", "voice.rate.x=1", "voice.rate=-1"])
def test_wrong_values_are_one_line(assignment: str) -> None:
    with pytest.raises(ConfigError) as error:
        config.load("embedded", [assignment])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"- a\n- b\n", b"a: [", b"\xff\xfe"])
def test_bad_files_are_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        config.load(str(path))
    assert "mine.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_profile_and_file() -> None:
    with pytest.raises(ConfigError, match="did you mean embedded"):
        config.load("embeded")
    with pytest.raises(ConfigError, match="no configuration file"):
        config.load("nowhere.yaml")


def test_a_path_is_taken_as_a_backend() -> None:
    loaded = config.load("embedded", ["faces.backend=stages.faces.cascade:Cascade"])
    faces = next(s for s in STAGES if s.name == "faces")
    backend = config.backend_class(faces, loaded)
    assert backend is not None
    assert backend.__name__ == "Cascade"
    with pytest.raises(ConfigError, match="cannot be loaded"):
        config.load("embedded", ["faces.backend=nowhere.at:All"])


def test_every_setting_says_what_it_means() -> None:
    def walk(kind: type[BaseModel], path: str) -> None:
        for name, field in kind.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                walk(field.annotation, f"{path}{name}.")
            else:
                assert field.description, f"{path}{name} has no description"

    walk(config.model(), "")
    for names in BACKENDS.values():
        for target in filter(None, names.values()):
            module, _, attribute = target.partition(":")
            walk(getattr(__import__(module, fromlist=[attribute]), attribute).Options, f"{target}.")


def test_the_schema_holds_every_section_and_backend() -> None:
    schema = config.schema()
    assert {s.name for s in STAGES} <= schema["properties"].keys()
    assert "text.rapidocr.options" in schema["$defs"]


def ranker_options(loaded: config.Config) -> BaseModel:
    return config.backend_options(next(s for s in STAGES if s.name == "ranking"), loaded)


def test_a_backend_setting_may_be_written_without_options(tmp_path: Path) -> None:
    short = config.load("default", ["ranking.adapter=adapters/x"])
    assert short == config.load("default", ["ranking.options.adapter=adapters/x"])
    assert ranker_options(short).model_dump()["adapter"] == "adapters/x"
    assert ranker_options(short).model_dump()["model"] == "microsoft/phi-2"  # the profile's other options stay
    path = tmp_path / "mine.yaml"
    path.write_text("ranking: {backend: causal, adapter: adapters/x, memory: 60}")
    loaded = config.load(str(path), ["ranking.model=models/phi"])
    assert (loaded.model_dump()["ranking"]["memory"], ranker_options(loaded).model_dump()["model"]) == (
        60,
        "models/phi",
    )


def test_a_setting_of_another_backend_names_it() -> None:
    with pytest.raises(ConfigError, match=r"ranking.adapter is no setting of heuristic, but of causal, reward"):
        config.load("embedded", ["ranking.adapter=adapters/x"])
    with pytest.raises(ConfigError, match=r"ranking\.adaptr is not known"):
        config.load("default", ["ranking.adaptr=adapters/x"])
    with pytest.raises(ConfigError, match="did you mean causal"):
        config.load("default", ["ranking.backend=casual", "ranking.adapter=x"])
