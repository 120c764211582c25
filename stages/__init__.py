"""The wiring: the stages in one tuple, the backends in one table. Order follows from reads and writes."""

from __future__ import annotations

from data.products import CheckReport, DescribedFilm, ExtendedFilm, Levels, LoudnessCurve, Pacing, ScriptFile, Stem
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
from stages.backend import Resources
from stages.sources import (
    EarlierNotes,
    Early,
    Edits,
    ExtendedAsked,
    GivenScript,
    Introduced,
    Language,
    Photos,
    Planning,
    Silent,
    VoiceOfRun,
    Wordings,
)
from stages.stage import Stage

STAGES: tuple[Stage, ...] = (
    Stage("shots", (Episode,), (Shot, Still), resources=Resources(cores=2)),
    Stage("keyframes", (Shot, Still), (Keyframe,)),
    Stage("dialogue", (Episode, Language, Silent), (Utterance, Song), role="dialogue"),
    Stage("gaps", (Episode, Utterance, Song), (Gap, LoudnessCurve)),
    Stage("objects", (Keyframe,), (Detection,), role="objects"),
    Stage("text", (Shot, Still, Keyframe), (TextRegion,), role="text"),
    Stage("faces", (Keyframe, Photos), (Face,), role="faces"),
    Stage(
        "context",
        (Shot, Keyframe, Utterance, Detection, TextRegion, Face, Early, Wordings, Introduced),
        (Context,),
    ),
    Stage("candidates", (Context, Keyframe, Gap, Planning), (Draft, RefusedDraft), role="candidates"),
    Stage("ranking", (Draft, Context, Gap, Planning), (Ranked,), role="ranking"),
    Stage("naming", (Draft, Context, Utterance, Early, Wordings, Introduced), (Candidate,)),
    Stage(
        "schedule",
        (Keyframe, Utterance, Ranked, Candidate, Context, Gap, LoudnessCurve, Planning, GivenScript, VoiceOfRun),
        (Narration, Missed, RefusedCandidate, Pacing),
        role="rewriting",
    ),
    Stage("review", (Narration, Gap, Keyframe, Planning, Edits), (Line,)),
    Stage("voice", (Line, Language, Wordings), (Clip,), role="voice"),
    Stage(
        "mix",
        (Episode, Clip, Gap, Utterance, Language),
        (Duck, Levels, DescribedFilm, Stem),
        resources=Resources(cores=4),
    ),
    Stage(
        "extended",
        (Episode, Utterance, Missed, Line, Clip, Levels, DescribedFilm, Language, VoiceOfRun, ExtendedAsked),
        (Extended, ExtendedFilm),
        resources=Resources(cores=None),
    ),
    Stage(
        "script",
        (Episode, Shot, Keyframe, Utterance, Gap, Context, Candidate, Ranked, Line, Clip, Duck, Extended, Language),
        (Written, ScriptFile),
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
            Pacing,
            DescribedFilm,
            Stem,
            Extended,
            ExtendedFilm,
            Written,
            ScriptFile,
            Language,
            EarlierNotes,
        ),
        (Finding, CheckReport),
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

ROLES = {
    "dialogue": "stages.dialogue.speech:Transcriber",
    "objects": "stages.objects:Detector",
    "text": "stages.text:Reader",
    "faces": "stages.faces:Detector",
    "candidates": "stages.candidates.prompt:Captioner",
    "ranking": "stages.ranking.prompt:Ranker",
    "rewriting": "stages.schedule.rewriting:Rewriter",
    "voice": "stages.voice.backend:Voice",
}
"""role → the base of its backends, those of one's own too."""
