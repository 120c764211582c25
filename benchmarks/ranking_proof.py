"""Does a tuned ranker rank better than chance, rules and its own base? Shown on real human descriptions.

    python benchmarks/ranking_proof.py --media FOLDER [--work DIR] [--objectives sft reward dpo] [--examples 14000]

No phi-2 weights are needed: a Phi small enough for a CPU is trained from scratch. The steps, all by the production
code but the first two:

1. Human audio descriptions of television (`ad-text-tv`, in broadcast order) are cut into series where the names change,
   and Korean captions (`ko-captions`) into blocks. Each line becomes an example: the lines before it are the context,
   the line is the response, and the wrong candidates are real alternatives: a line of another moment of the same
   series, the same line with its people exchanged, a line of dialogue, and the line with the next one attached.
2. A tokenizer and a Phi are trained on the plain lines of the training series: the base.
3. `vdesc finetune train` tunes it with LoRA, once for each objective.
4. `vdesc finetune evaluate` ranks the examples of held-out series with every judge.

Only figures are written (`benchmarks/results/ranking_proof.json`, `.md`); the lines are for research alone.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data import subtitles
from data.text.language import PLAN_RATE, seconds
from finetune.evaluate import Evaluation
from finetune.likeness import ChrF
from finetune.rows import Example, Split, write
from stages.ranking.prompt import RankingPrompt
from stages.ranking.template import render

RESULTS = Path(__file__).parent / "results"
WINDOW = 300
"""Lines compared on both sides of a possible border between series."""
APART = 30
"""Lines between an example and one of "another moment": it is then another scene."""
CONTEXT = 4
HELD_OUT: dict[str, Split] = {"tv-03": "test", "tv-05": "test", "tv-07": "test", "tv-02": "validation"}
"""Series kept from training; and the last blocks of the Korean captions, see `korean`."""
BEATS = "“Beats”: the 95 % bootstrap intervals do not overlap. “p”: permutation test, paired by example."
STEPS: dict[str, dict[str, Any]] = {
    "sft": {"epochs": 2, "learning_rate": 1e-3, "batch": 8},
    "reward": {"steps": 1200, "learning_rate": 1e-3, "batch": 16, "evaluate_every": 200, "patience": 6},
    "dpo": {"steps": 600, "learning_rate": 5e-4, "batch": 16, "evaluate_every": 100, "patience": 6},
}
"""Settings of each objective for a model this small, over those of `COMMON`."""
COMMON = {
    "device": "auto", "accumulation": 1, "max_length": 512, "gradient_checkpointing": False, "leaks": "drop",
    "patience": 3, "lora": {"rank": 64, "alpha": 64, "dropout": 0.05},
}  # fmt: skip
PRONOUNS = {"He": "She", "She": "He", "he": "she", "she": "he", "his": "her", "him": "her", "her": "his", "His": "Her"}


def series(lines: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The lines cut where the names change: dips of the likeness (cosine) of the names before and after.

    After TextTiling (Hearst 1997), with capitalised words that are frequent in one place alone as the vocabulary.
    """
    words = [re.findall(r"\b[A-Z][a-z]+", line) for line in lines]
    seen = Counter(word for line in words for word in set(line))
    names = sorted(word for word, count in seen.items() if count >= WINDOW // 10)
    place = {name: n for n, name in enumerate(names)}
    counts = np.zeros((len(lines) + 1, len(names)))
    for row, line in enumerate(words, 1):
        for word in line:
            if word in place:
                counts[row, place[word]] += 1
    counts = counts.cumsum(0)
    spread = (np.diff(counts[::WINDOW], axis=0) > 0).mean(0)
    counts = counts[:, spread < 0.35]  # words of every series ("The", "Later") tell none apart
    steps = range(WINDOW, len(lines) - WINDOW, 25)
    alike = np.array([_cosine(counts[i] - counts[i - WINDOW], counts[i + WINDOW] - counts[i]) for i in steps])
    dips = [steps[k] for k in range(1, len(alike) - 1) if alike[k] == alike[max(0, k - 12) : k + 13].min() < 0.35]
    borders = [0, *dips, len(lines)]
    pairs = enumerate(itertools.pairwise(borders), 1)
    return [(f"tv-{n:02d}", list(lines[a + 10 : b - 10])) for n, (a, b) in pairs]


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    one, other = np.sqrt(one), np.sqrt(other)
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length else 0.0


def korean(media: Path) -> list[tuple[str, list[str]]]:
    """The captions as six blocks in their order: two kinds of three, for the kinds differ."""
    rows = list(csv.DictReader((media / "ko-captions/ko_captions_dev.tsv").open(encoding="utf-8"), delimiter="\t"))
    blocks = []
    for kind in sorted({row["genre"] for row in rows}):
        lines = [row["sentence"] for row in rows if row["genre"] == kind]
        size = len(lines) // 3 + 1
        blocks += [(f"ko-{kind}-{n + 1}", lines[n * size : (n + 1) * size]) for n in range(3)]
    return blocks


def part_of(title: str) -> Split:
    """The part a title belongs to."""
    return HELD_OUT.get(title, "test" if title.startswith("ko") and title.endswith("3") else "train")


def examples(title: str, lines: Sequence[str], talk: Sequence[str], most: int) -> Iterator[Example]:
    """Up to `most` examples spread over the title."""
    draw = random.Random(title)
    language = "ko" if title.startswith("ko") else "en"
    names = _names(lines)
    last = len(lines) - 1
    chosen = sorted(draw.sample(range(CONTEXT, last), min(most, last - CONTEXT)))
    for at in chosen:
        truth = lines[at]
        wrong = [_elsewhere(lines, at, draw), _exchanged(truth, names, draw) or _elsewhere(lines, at, draw),
                 _spoken(talk, names, draw), f"{truth} {lines[at + 1]}"]  # fmt: skip
        wrong = [text for text in dict.fromkeys(wrong) if text != truth]
        offered = [truth, *wrong]
        draw.shuffle(offered)
        room = seconds(truth, language, PLAN_RATE[language]) * draw.uniform(1.05, 1.5)
        prompt = RankingPrompt(
            language, PLAN_RATE[language], (round(room, 1),), earlier=tuple(lines[at - CONTEXT : at])
        )
        likeness = ChrF().of([truth] * len(wrong), wrong)
        yield Example(
            drama=title, language=language, prompt=render(prompt), response=truth, rejected=tuple(wrong),
            scores=(1.0, *(round(float(x), 4) for x in likeness)), split=part_of(title),
            places=tuple(offered.index(text) for text in (truth, *wrong)),
            asked={"windows": [round(room, 1)], "earlier": list(prompt.earlier)},
            source="ko-captions" if language == "ko" else "ad-text-tv", licence="research only",
        )  # fmt: skip


def _names(lines: Sequence[str]) -> list[str]:
    """Words capitalised inside a sentence, the most frequent of them: the people."""
    inside = Counter(word for line in lines for word in re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", line))
    return [word for word, count in inside.most_common(12) if count >= 5]


def _elsewhere(lines: Sequence[str], at: int, draw: random.Random) -> str:
    far = [n for n in range(len(lines)) if abs(n - at) >= APART]
    return lines[draw.choice(far)]


def _exchanged(line: str, names: Sequence[str], draw: random.Random) -> str | None:
    """The line with its people exchanged for others of the series, or he and she for each other."""
    here = [name for name in names if re.search(rf"\b{name}\b", line)]
    others = [name for name in names if name not in here]
    if here and others:
        for name in here:
            line = re.sub(rf"\b{name}\b", draw.choice(others), line)
        return line
    swapped = re.sub(r"\b(?:[Hh]e|[Ss]he|[Hh]is|[Hh]er|him)\b", lambda m: PRONOUNS.get(m[0], m[0]), line)
    swapped = swapped.replace("남자", "\0").replace("여자", "남자").replace("\0", "여자")
    return swapped if swapped != line else None


def _spoken(talk: Sequence[str], names: Sequence[str], draw: random.Random) -> str:
    line = draw.choice(talk)
    return f"{draw.choice(names)}, {line}" if names and draw.random() < 0.5 else line


def dialogue(media: Path) -> dict[str, list[str]]:
    """Lines that are spoken, not narrated."""
    files = {"en": "elephantsdream-text/captions.en.vtt", "ko": "ad-text/blocks4all_captions_ko.vtt"}
    return {lang: [c.text for c in subtitles.read(media / name, lang) if c.spoken and len(c.text) > 8]
            for lang, name in files.items()}  # fmt: skip


def base_model(
    folder: Path, texts: Sequence[str], prompts: Sequence[str], *, epochs: int, width: int, layers: int
) -> Path:
    """A Phi from random weights and a byte-level BPE, trained on the lines in their order."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.train_from_iterator(
        [*texts, *prompts[:2000]],
        trainers.BpeTrainer(vocab_size=3000, special_tokens=["<|endoftext|>"], show_progress=False,
                            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()),
    )  # fmt: skip
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|endoftext|>")
    transformers.set_seed(0)
    config = transformers.PhiConfig(
        vocab_size=3000, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers,
        num_attention_heads=width // 32,
        max_position_embeddings=512, bos_token_id=0, eos_token_id=0, tie_word_embeddings=False,
    )  # fmt: skip
    model = transformers.PhiForCausalLM(config)
    ids = [t for text in texts for t in [*tokenizer(f" {text}")["input_ids"], 0]]
    rows = [{"input_ids": ids[n : n + 128], "labels": ids[n : n + 128]} for n in range(0, len(ids) - 128, 128)]
    arguments = transformers.TrainingArguments(
        output_dir=str(folder / "runs"), per_device_train_batch_size=32, num_train_epochs=epochs, learning_rate=2e-3,
        lr_scheduler_type="cosine", warmup_steps=20, weight_decay=0.01, save_strategy="no", report_to=[], seed=0,
        logging_steps=50, disable_tqdm=True, dataloader_pin_memory=False,
    )  # fmt: skip
    transformers.Trainer(model, arguments, train_dataset=rows, data_collator=transformers.default_data_collator).train()
    model.to(torch.device("cpu")).save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    print(f"base: {model.num_parameters() / 1e6:.1f} M parameters, {len(ids)} tokens", file=sys.stderr)
    return folder / "base"


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return {"cores": os.cpu_count(), "device": device, "torch": torch.__version__}


def vdesc(*arguments: object) -> None:
    """Run a command of vdesc as a user does."""
    subprocess.run([Path(sys.executable).parent / "vdesc", *map(str, arguments)], check=True)


def data(media: Path, work: Path, most: int) -> tuple[list[Path], list[str], list[str]]:
    """The files of examples, the plain training lines, and some prompts for the tokenizer."""
    lines = [row["text_gt"] for row in csv.DictReader((media / "ad-text-tv/tvad_train.csv").open(encoding="utf-8"))]
    titles = [*series(lines), *korean(media)]
    talk = dialogue(media)
    share = most / sum(len(rows) for _, rows in titles)
    found = {
        title: list(examples(title, rows, talk["ko" if title.startswith("ko") else "en"], round(share * len(rows)) + 1))
        for title, rows in titles
    }
    files = []
    for part in ("train", "validation", "test"):
        files.append(work / f"{part}.jsonl")
        write(files[-1], [e for rows in found.values() for e in rows if e.split == part])
    texts = [line for title, rows in titles if part_of(title) == "train" for line in rows]
    return files, texts, [e.prompt for rows in found.values() for e in rows if e.split == "train"]


def tuned(work: Path, base: Path, files: Sequence[Path], objective: str, steps: dict[str, Any]) -> Evaluation:
    """Train with one objective and evaluate on the held-out series."""
    import yaml

    config = work / f"{objective}.yaml"
    config.write_text(yaml.safe_dump({"model": str(base), "objective": objective} | steps), encoding="utf-8")
    adapter, report = work / f"adapter-{objective}", work / f"report-{objective}"
    if not adapter.exists():
        vdesc("finetune", "train", "--config", config, "--data", *files[:2], "-o", adapter)
    if not report.exists():
        vdesc("finetune", "evaluate", "--adapter", adapter, "--model", base, "--data", files[2], "-o", report)
    return Evaluation.model_validate_json((report / "evaluation.json").read_bytes())


def page(results: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = ["# Ranking, shown on held-out series", "", BEATS, "", f"Machine: {json.dumps(results['machine'])}", "",
             f"Data: {json.dumps(results['data'])}", ""]  # fmt: skip
    for objective, found in results["objectives"].items():
        evaluation = Evaluation.model_validate(found)
        metrics = list(evaluation.judges[0].metrics)
        lines += [f"## {objective}", "", "| judge | " + " | ".join(metrics) + " |", "|---" * (len(metrics) + 1) + "|"]
        for judge in evaluation.judges:
            told = (f"{m.mean:.3f} [{m.low:.3f}, {m.high:.3f}]" for m in judge.metrics.values())
            lines.append(f"| {judge.name} | " + " | ".join(told) + " |")
        for metric in metrics:
            better = evaluation.beaten(metric)
            won, lost = ([name for name, beaten in better.items() if beaten is wanted] for wanted in (True, False))
            lines.append(f"\n{metric}: beats {', '.join(won) or 'none'}; does not beat {', '.join(lost) or 'none'}.")
            paired = next(c for c in evaluation.comparisons if (c.metric, c.other) == (metric, "base"))
            told = f"{paired.difference.mean:+.3f} [{paired.difference.low:+.3f}, {paired.difference.high:+.3f}]"
            lines.append(f"Against base, example by example: {told}, p = {paired.p:.4f}.")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Run the whole proof."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/ranking-proof"))
    parser.add_argument("--objectives", nargs="+", default=["sft", "reward", "dpo"])
    parser.add_argument("--examples", type=int, default=14000)
    parser.add_argument("--epochs", type=int, default=3, help="of the base on plain lines")
    parser.add_argument("--width", type=int, default=128, help="of the base, a multiple of 32")
    parser.add_argument("--layers", type=int, default=3, help="of the base")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    files, texts, prompts = data(given.media, given.work, given.examples)
    base = given.work / "base"
    if not base.exists():
        base_model(given.work, texts, prompts, epochs=given.epochs, width=given.width, layers=given.layers)
    sizes = {file.stem: sum(1 for _ in file.open(encoding="utf-8")) for file in files}
    results: dict[str, Any] = {"machine": machine(), "data": sizes | {"plain lines": len(texts)}, "objectives": {}}
    for objective in given.objectives:
        found = tuned(given.work, base, files, objective, COMMON | STEPS[objective])
        results["objectives"][objective] = found.model_dump(mode="json") | {"misses": []}  # lines of the data set
        told = json.dumps(results, ensure_ascii=False, indent=1)
        (RESULTS / "ranking_proof.json").write_text(told + "\n", encoding="utf-8")
        (RESULTS / "ranking_proof.md").write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    main()
