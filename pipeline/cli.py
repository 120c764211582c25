"""The command line: `vdesc run | status | why | export | lint | config | models | finetune | review | doctor`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast, get_args

import typer

from data import messages
from data.errors import SURROUNDINGS, ConfigError, UserError, VdescError, interrupted
from data.formats import EXPORTS, READ
from data.messages import tr
from pipeline import DEFAULT_PROFILE
from pipeline.commands import help as help_
from pipeline.commands.finetune_models import finetune_app
from pipeline.commands.lint import lint
from pipeline.commands.models import models_app
from pipeline.commands.review import review_app
from pipeline.commands.terminal import Assignments, LangOption, Offline, Profile, Results
from pipeline.commands.terminal import console as make_console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.formats import Format
    from pipeline.config import Config
    from pipeline.models import Chosen
    from pipeline.work import Work

OK, BUG, INPUT, FINDINGS, STOPPED = 0, 1, 2, 3, 130
"""Exit codes: done; our defect; the user's input or configuration; the check found errors; Ctrl-C."""

_UsageError = cast(type[Exception], typer.BadParameter.__mro__[1])  # Click's, which newer Typers carry inside

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Audio description (화면해설): an episode goes in, the described episode comes out.",
)
config_app = typer.Typer(no_args_is_help=True, help="Show settings, their schema and the shipped profiles.")
app.add_typer(config_app, name="config")
app.add_typer(models_app, name="models")
app.command()(lint)
app.add_typer(finetune_app, name="finetune")
app.add_typer(review_app, name="review")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"vdesc {version('videodescription')}")
        raise typer.Exit


@app.callback()
def _vdesc(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    films: Annotated[list[Path], typer.Argument(readable=False, help="One or more films.")],
    out: Annotated[Path, typer.Option(help="Where the results folders go.")] = Path("out"),
    profile: Profile = DEFAULT_PROFILE,
    assignments: Assignments = None,
    subtitles: Annotated[
        Path | None, typer.Option(readable=False, help="A subtitle file, or a folder of them.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Last stage to run, e.g. schedule.", autocompletion=help_.stages)
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would run, and why.")] = False,
    language: Annotated[str | None, typer.Option(help="Language of the narration: ko or en.")] = None,
    audio_track: Annotated[str | None, typer.Option(help="Programme sound: a language or a number from 1.")] = None,
    silent_ok: Annotated[bool, typer.Option("--silent-ok", help="Accept films that have no audio stream.")] = False,
    series: Annotated[
        Path | None,
        typer.Option(readable=False, help="Series: folder with series.yaml and photos (names, words, voice), or file."),
    ] = None,
    cast_folder: Annotated[
        Path | None, typer.Option("--cast", readable=False, help="The same, for a folder with cast.yaml alone.")
    ] = None,
    extended: Annotated[
        bool, typer.Option("--extended", help="Also a film that stands still for important lines no gap can hold.")
    ] = False,
    levels: Annotated[
        str | None, typer.Option(help="Levels of detail side by side: short,standard,rich or all.")
    ] = None,
    offline: Offline = False,  # noqa: ARG001
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Describe films: results in OUT/<film>/."""
    from pipeline import config as settings
    from pipeline.models import Chosen
    from pipeline.results.levels import parse as parse_levels
    from pipeline.series import named

    config = settings.load(
        profile,
        assignments or [],
        language=language,
        lang=messages.current(),
        audio_track=audio_track,
        silent_ok=silent_ok or None,
        extend=extended or None,
        cast=named(series, cast_folder),
    )
    chosen = Chosen(profile, assignments or [])
    _describe(films, out, config, chosen, subtitles, until, plan=plan, levels=parse_levels(levels) if levels else ())


@app.command()
def voice(
    script: Annotated[Path, typer.Argument(readable=False, help=help_.filled("Script: {formats}.", formats=READ))],
    episode: Annotated[Path, typer.Option("--episode", "-e", readable=False, help="The film it was written for.")],
    out: Annotated[Path, typer.Option(help="Where the results folder goes.")] = Path("out"),
    profile: Profile = DEFAULT_PROFILE,
    assignments: Assignments = None,
    subtitles: Annotated[Path | None, typer.Option(readable=False, help="The film's subtitle file.")] = None,
    series: Annotated[
        Path | None, typer.Option(readable=False, help="Series: its pronunciations and its voice.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would run, and why.")] = False,
    language: Annotated[str | None, typer.Option(help="Language of the narration: ko or en.")] = None,
    audio_track: Annotated[str | None, typer.Option(help="Programme sound: a language or a number from 1.")] = None,
    silent_ok: Annotated[bool, typer.Option("--silent-ok", help="Accept a film that has no audio stream.")] = False,
    extended: Annotated[
        bool, typer.Option("--extended", help="Also a film that stands still for important lines no gap can hold.")
    ] = False,
    offline: Offline = False,  # noqa: ARG001
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Speak, fit, mix and check a script that a person wrote: results in OUT/<film>/."""
    from pipeline import config as settings
    from pipeline.models import Chosen

    config = settings.load(
        profile,
        assignments or [],
        language=language,
        lang=messages.current(),
        audio_track=audio_track,
        silent_ok=silent_ok or None,
        extend=extended or None,
        given_script=script,
        cast=series,
    )
    _describe([episode], out, config, Chosen(profile, assignments or []), subtitles, None, plan=plan)


def _describe(
    films: list[Path],
    out: Path,
    config: Config,
    chosen: Chosen,
    subtitles: Path | None,
    until: str | None,
    *,
    plan: bool,
    levels: Sequence[str] = (),
) -> NoReturn:
    """Bring the films' results up to date, or with `plan` only say how, and exit."""
    from pipeline import config as settings
    from pipeline import runner
    from pipeline.commands.summary import print_plan, print_summary
    from pipeline.jobs import in_use

    settings.check_cast(config)
    settings.check_extended(config)
    _check_stage(until)
    works, failed = _open_all(films, out, config, subtitles, look_only=plan)
    console = make_console()
    if plan:
        for work in works:
            print_plan(console, work, config, until)
        raise typer.Exit(INPUT if failed else OK)
    if works:
        from pipeline.commands.downloads import Downloads
        from pipeline.commands.progress import shown
        from pipeline.models import prepare

        _log_to_files(works)
        prepare(works, config, until, chosen, Downloads(console))
        if levels:
            works = _side_by_side(works, config, levels, until)
        else:
            with shown(console, [stage.name for stage in in_use(config, until)], len(works)) as progress:
                runner.run(works, config, until, progress)
    for work in works:
        if work.error:
            typer.echo(str(work.error), err=True)
        else:
            print_summary(console, work, config, until)
    codes = [_exit_code(work, until) for work in works]
    raise typer.Exit(max([INPUT if failed else OK, *codes], key=_gravity))


def _side_by_side(works: list[Work], config: Config, levels: Sequence[str], until: str | None) -> list[Work]:
    """Bring every level of the films up to date and their tracks into one film; the works of the levels."""
    from functools import partial

    from pipeline.commands.progress import shown
    from pipeline.results import levels as side

    console = make_console()
    done = side.run(works, config, levels, until, partial(shown, console))
    for work in works:
        whole = [made for made in done if made.folder.is_relative_to(work.folder) and not made.error]
        if work.error or until or len(whole) < len(levels):
            continue
        if film := side.film(work, levels, config.language):
            text = tr("All levels in one film: {file}", file=film)
            console.print(text, markup=False, highlight=False, soft_wrap=True)
    return done


@app.command()
def status(results: Results, lang: LangOption = None) -> None:  # noqa: ARG001
    """What has been done for an episode, and what the check found."""
    from pipeline.commands.summary import print_status

    _results_folder(results)
    print_status(make_console(), results)


@app.command()
def why(
    results: Results,
    at: Annotated[
        str | None, typer.Option(help="A time (12:30) or the id of a line, candidate, picture or gap; else a summary.")
    ] = None,
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Why a line is spoken, or why nothing is: what was seen, offered, refused and lost."""
    from pipeline.commands.summary import line
    from pipeline.commands.why import show

    console = make_console()
    for told in show(_results_folder(results), at):
        line(console, told)


@app.command()
def export(
    results: Results,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            autocompletion=help_.formats,
            help=help_.filled("One of {formats}.", formats=", ".join(EXPORTS)),
        ),
    ],
    to: Annotated[
        Path | None, typer.Option("--output", "-o", help="File or folder to write; else beside the script.")
    ] = None,
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Write the narration script in another format, or the described film for players."""
    from data.formats import chosen

    made = _exported(_results_folder(results), chosen(format_), to)
    make_console().print(str(made), markup=False, highlight=False, soft_wrap=True)


def _exported(results: Path, row: Format, to: Path | None) -> Path:
    """The file that was written, or the one to begin with in the folder."""
    from data.files import write_atomically
    from data.products import ScriptFile
    from data.records import Keyframe
    from data.scripts.script import load
    from data.workspace import Workspace
    from pipeline.results.delivery import described_film

    file = ScriptFile.place(results)
    if not file.is_file():
        raise UserError("{folder} has no script yet; run vdesc run first", folder=results)
    script = load(file)
    target = to or results / row.file_name(script.episode.language)
    try:
        if row.film:
            return row.packaged(described_film(results), script, target)
        stills = Workspace(results / "workspace").folder_of(Keyframe)
        write_atomically(target, row.written(script, stills if stills.is_dir() else None))
    except OSError as error:
        cause = error.strerror or error
        line = tr("{file} cannot be written ({cause}); choose another one with --output", file=target, cause=cause)
        raise UserError(line) from None
    return target


@app.command()
def preview(
    results: Results,
    scene: Annotated[int | None, typer.Option(help="One shot alone, from 1; else the whole film.")] = None,
    to: Annotated[Path | None, typer.Option("--output", "-o", help="preview.mp4 or preview.gif.")] = None,
    font: Annotated[Path | None, typer.Option(help="Font file with the letters of the script.")] = None,
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """The described film with its lines shown on the picture, small enough to pass around."""
    from pipeline.results.preview import preview as render

    target = to or _results_folder(results) / "preview.mp4"
    render(_results_folder(results), target, scene, font)
    make_console().print(str(target), markup=False, highlight=False, soft_wrap=True)


@app.command()
def doctor(lang: LangOption = None) -> None:  # noqa: ARG001
    """Versions, ffmpeg, devices, and which models are present."""
    from pipeline.commands.doctor import examine

    console, sound = make_console(), True
    marks = {"good": "✓", "absent": "–", "bad": "✗"}
    for fact in examine():
        console.print(f"{marks[fact.state]} {fact.topic}: {fact.text}", markup=False, highlight=False, soft_wrap=True)
        sound = sound and fact.state != "bad"
    raise typer.Exit(OK if sound else INPUT)


@config_app.command("show")
def config_show(profile: Profile = DEFAULT_PROFILE, assignments: Assignments = None, lang: LangOption = None) -> None:  # noqa: ARG001
    """Every setting with its value, as YAML."""
    import yaml

    from pipeline import config as settings

    values = settings.load(profile, assignments or []).model_dump(mode="json")
    typer.echo(yaml.safe_dump(values, allow_unicode=True, sort_keys=False), nl=False)


@config_app.command("schema")
def config_schema(lang: LangOption = None) -> None:  # noqa: ARG001
    """JSON Schema of the configuration and of script.json."""
    import json

    from data.scripts import script
    from pipeline import config as settings

    schemas = {"config": settings.schema(), "script": script.json_schema()}
    typer.echo(json.dumps(schemas, ensure_ascii=False, indent=1))


@config_app.command("profiles")
def config_profiles(lang: LangOption = None) -> None:  # noqa: ARG001
    """The shipped profiles."""
    from pipeline import config as settings

    for name, line in settings.profiles().items():
        typer.echo(f"{name}: {line}")


def main() -> None:
    """Run the command line; errors become one line and an exit code."""
    given = sys.argv[1:]
    asked, others = help_.asked_language(given)
    messages.use(cast(messages.Lang, asked) if asked in get_args(messages.Lang) else messages.from_locale())
    try:
        helping = "--help" in given or len(given) < 2
        command: Any = typer.main.get_command(app) if helping and messages.current() != "en" else app
        if command is not app:
            help_.translate(command)
        code = command(args=others if helping else given, standalone_mode=False) or OK
    except _UsageError as error:
        _fail(_misused(error), INPUT)
    except typer.Abort:
        code = STOPPED
    except VdescError as error:
        _fail(str(error), INPUT if isinstance(error, UserError) else BUG)
    except ImportError as error:
        if not interrupted(error):
            _fail(_missing(error), BUG)
        code = STOPPED
    except KeyboardInterrupt:
        code = STOPPED
    except OSError as error:
        if error.errno not in SURROUNDINGS:
            _fail(_defect(error), BUG)
        _fail(tr("{cause}; make room or mend the rights, then run again", cause=error), INPUT)
    except Exception as error:  # nobody above us: the user gets a line, the log the traceback
        _fail(_defect(error), BUG)
    if code == STOPPED:
        _fail(tr("Stopped. Run the same command again to go on where it was"), STOPPED)
    sys.exit(code)


def _fail(line: str, code: int) -> None:
    if line:
        typer.echo(line, err=True)
    sys.exit(code)


def _misused(error: Any) -> str:
    """What is wrong with the command itself; its help where it was given nothing at all."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return str(error.format_message()).strip()
    cause = help_.misuse(" ".join(error.format_message().split()))
    command = error.ctx.command_path if error.ctx else "vdesc"
    return tr("{cause} ({command} --help tells more)", cause=cause, command=command)


def _missing(error: ImportError) -> str:
    from pipeline.commands.doctor import missing_extra

    if extra := missing_extra(error):
        return tr("This needs the extra {extra}: pip install 'videodescription[{extra}]'", extra=extra)
    return _defect(error)


def _defect(error: Exception) -> str:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="vdesc-", suffix=".log", delete=False, encoding="utf-8") as log:
        traceback.print_exception(error, file=log)
    return tr("{kind}: this is a defect of vdesc; please report it with {log}", kind=type(error).__name__, log=log.name)


def _check_stage(until: str | None) -> None:
    from stages import STAGES

    if until is not None and until not in [s.name for s in STAGES]:
        known = ", ".join(s.name for s in STAGES)
        raise ConfigError("--until {stage}: there is no such stage; choose one of {known}", stage=until, known=known)


def _open_all(
    films: list[Path], out: Path, config: Config, subtitles: Path | None, *, look_only: bool
) -> tuple[list[Work], bool]:
    """The episodes that can be read; the others are named on stderr."""
    from pipeline.results.episodes import distinct, open_episode

    works, failed = [], False
    for film in films:
        try:
            works.append(open_episode(film, out, config, subtitles, look_only=look_only))
        except UserError as error:
            typer.echo(str(error), err=True)
            failed = True
        except OSError as error:
            cause = error.strerror or error
            line = tr(
                "No results can be put in {out} ({cause}); choose another folder with --out", out=out, cause=cause
            )
            typer.echo(line, err=True)
            failed = True
    return distinct(works), failed


def _log_to_files(works: list[Work]) -> None:
    """`run.log` of every episode gets the log of the run it is part of."""
    import logging

    root = logging.getLogger()
    root.setLevel(logging.INFO)
    logging.raiseExceptions = False  # a log that cannot be written, the disk being full, is not the error to show
    for work in works:
        handler = logging.FileHandler(work.workspace.folder / "run.log", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        root.addHandler(handler)


def _exit_code(work: Work, until: str | None) -> int:
    if work.error:
        return INPUT if isinstance(work.error, UserError) else BUG
    from pipeline.commands.summary import findings
    from pipeline.jobs import stages_until

    checked = stages_until(until)[-1].name == "check"
    return FINDINGS if checked and any(f.severity == "error" for f in findings(work.folder)) else OK


def _gravity(code: int) -> int:
    """Our own defects outweigh wrong input, which outweighs findings."""
    return [OK, FINDINGS, INPUT, BUG].index(code)


def _results_folder(results: Path) -> Path:
    if not (results / "workspace").is_dir():
        raise UserError("{folder} is not a results folder of vdesc; name one such as out/episode", folder=results)
    return results


if __name__ == "__main__":
    main()
