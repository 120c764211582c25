"""The wiring: the stages in one tuple, the backends in one table. Order follows from reads and writes."""

from __future__ import annotations

from data.products import CheckReport, DescribedFilm, ExtendedFilm, Levels, LoudnessCurve, ScriptFile, Stem
from data.records import (
    Candidate,
    Clip,
    Context,
    Detection,
    Draft,
    Duck,
    Episode,
    Extended,
    Face,
    Finding,
    Gap,
    Keyframe,
    Line,
    Missed,
    Narration,
    Ranked,
    RefusedCandidate,
    RefusedDraft,
    Shot,
    Song,
    Still,
    TextRegion,
    Utterance,
    Written,
)
from stages.stage import Stage

PLANNING = ("language", "plan_rate", "early", "late")

STAGES: tuple[Stage, ...] = (
    Stage("shots", (Episode,), (Shot, Still)),
    Stage("keyframes", (Shot, Still), (Keyframe,)),
    Stage("dialogue", (Episode,), (Utterance, Song), role="dialogue", settings=("language", "silent_ok")),
    Stage("gaps", (Episode, Utterance, Song), (Gap, LoudnessCurve)),
    Stage("objects", (Keyframe,), (Detection,), role="objects", finds_lines=True),
    Stage("text", (Shot, Still, Keyframe), (TextRegion,), role="text", finds_lines=True),
    Stage("faces", (Keyframe,), (Face,), role="faces", settings=("cast.faces",), finds_lines=True),
    Stage(
        "context",
        (Shot, Keyframe, Utterance, Detection, TextRegion, Face),
        (Context,),
        settings=("language", "cast", "cast.known", "early"),
        finds_lines=True,
    ),
    Stage(
        "candidates",
        (Context, Keyframe, Gap),
        (Draft, RefusedDraft),
        role="candidates",
        settings=PLANNING,
        finds_lines=True,
    ),
    Stage("ranking", (Draft, Context, Gap), (Ranked,), role="ranking", settings=PLANNING, finds_lines=True),
    Stage(
        "naming",
        (Draft, Context, Utterance),
        (Candidate,),
        settings=("language", "cast", "cast.known", "early"),
        finds_lines=True,
    ),
    Stage(
        "schedule",
        (Keyframe, Utterance, Ranked, Candidate, Context, Gap, LoudnessCurve),
        (Narration, Missed, RefusedCandidate),
        role="rewriting",
        settings=(*PLANNING, "given_script", "cast"),
        speaks=True,
    ),
    Stage("review", (Narration, Gap, Keyframe), (Line,), edited=True),
    Stage("voice", (Line,), (Clip,), role="voice", settings=("language", "cast")),
    Stage("mix", (Episode, Clip, Gap, Utterance), (Duck, Levels, DescribedFilm, Stem), settings=("language",)),
    Stage(
        "extended",
        (Episode, Utterance, Missed, Line, Clip, Levels, DescribedFilm),
        (Extended, ExtendedFilm),
        settings=("language", "cast"),
        speaks=True,
        only_if="extend",
    ),
    Stage(
        "script",
        (Episode, Shot, Keyframe, Utterance, Gap, Context, Candidate, Ranked, Line, Clip, Duck, Extended),
        (Written, ScriptFile),
        settings=("language",),
    ),
    Stage(
        "check",
        (
            Episode,
            Shot,
            Keyframe,
            Utterance,
            Gap,
            Line,
            Clip,
            Duck,
            Levels,
            DescribedFilm,
            Stem,
            Extended,
            ExtendedFilm,
            Written,
            ScriptFile,
        ),
        (Finding, CheckReport),
        settings=("language",),
        notes_of_all=True,
    ),
)

BACKENDS: dict[str, dict[str, str | None]] = {
    "dialogue": {
        "none": None,
        "silero": "stages.dialogue.silero:Silero",
        "whisper": "stages.dialogue.whisper:Whisper",
        "faster-whisper": "stages.dialogue.faster_whisper:FasterWhisper",
    },
    "objects": {"none": None, "yolo": "stages.objects.yolo:Yolo"},
    "text": {
        "none": None,
        "rapidocr": "stages.text.rapidocr:RapidOCR",
        "easyocr": "stages.text.easyocr:EasyOCR",
    },
    "faces": {
        "none": None,
        "cascade": "stages.faces.cascade:Cascade",
        "deepface": "stages.faces.deepface:DeepFace",
    },
    "candidates": {
        "facts": "stages.candidates.facts:Facts",
        "openai": "stages.candidates.openai:OpenAI",
        "transformers": "stages.candidates.transformers:Transformers",
    },
    "ranking": {
        "heuristic": None,
        "causal": "stages.ranking.causal:CausalRanker",
        "reward": "stages.ranking.reward:RewardRanker",
    },
    "rewriting": {
        "none": None,
        "openai": "stages.schedule.openai:OpenAI",
        "transformers": "stages.schedule.transformers:Transformers",
    },
    "voice": {
        "espeak": "stages.voice.espeak:Espeak",
        "gtts": "stages.voice.gtts:GTTS",
        "edge": "stages.voice.edge:Edge",
        "transformers": "stages.voice.transformers:Transformers",
        "openai": "stages.voice.openai:OpenAISpeech",
    },
}
"""role → name → "module:Class"; None switches the role off. A name with ":" in the config is such a path."""
