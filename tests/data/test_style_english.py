"""Every English rule on sentences that break it and on sentences that look alike and do not."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from data.style import findings, fixed

BREAKS: dict[str, list[str]] = {
    "past": [
        "He was at the door.", "She slowly opened it.", "They went home.", "A man stood by the car.",
        "He took the key.", "The boy ran away.",
        "She gave him a coin.", "The door fell shut.", "It exploded.", "The wind blew hard.",
    ],
    "future": ["She will leave.", "He is about to jump.", "They are going to fight.", "We shall see."],
    "framing": [
        "We see a man.", "A man is seen at the door.", "The viewer sees a house.", "A dog can be seen.",
        "In this scene, a man runs.", "The image shows a lake.", "We now hear a bell.", "A tower is visible.",
        "The video depicts a street.", "Children are shown playing.",
    ],
    "screen": ["A title fills the screen.", "A Klingon appears on screen.", "Words appear on the screen."],
    "camera": [
        "The camera pans to the door.", "Close-up of a hand.", "Cut to the beach.", "The scene fades to black.",
        "Zoom in on the key.", "A wide shot of the city.", "The picture dissolves into fog.", "A montage of faces.",
        "The scene changes.", "An aerial shot of the coast.",
    ],
    "guess": ["He seems tired.", "Maybe he is a doctor.", "She looks like a nurse.", "It is probably late."],
    "emotion": ["She is angry.", "He looks sad.", "They are very happy.", "She feels lonely.", "He grows nervous."],
    "judgement": ["A beautiful woman enters.", "He wears an ugly tie.", "A stunning view.", "She sings wonderfully."],
    "address": [
        "You follow him.", "We follow him.", "Our hero sleeps.", "I see a cat.", "Your door opens.", "He looks at us.",
        "My house burns.", "A man walks towards you.",
    ],
    "question": ["Who is there?", "A bomb explodes!"],
}  # fmt: skip
KEEPS: dict[str, list[str]] = {
    "past": [
        "They need help.", "A parked car burns.", "Said turns to Tariq.",
        "He enters the office where Pete was stabbed.",
        "She finds it locked.", "A man dressed in red sits.", "The broken window is boarded up.", "He sheds his coat.",
        "A table saw turns.", "He reads the note she has written.",
    ],
    "future": ["He goes to the window."],
    "framing": ["A seed falls.", "He sees a man.", "She hears a bell.", "A picture hangs on the wall."],
    "screen": ["A phone screen lights up.", "The television screen flickers.", "A photo on the phone screen."],
    "camera": [
        "The camera bag falls.", "A man with a camera grins.", "He cuts the rope.", "She fades into the crowd.",
        "He shoots wide.", "A frying pan falls.", "She closes up the shop.", "A shot rings out.", "He holds a camera.",
    ],
    "guess": ["He looks up.", "She appears.", "A man with a likeness of the king."],
    "emotion": ["She cries.", "He clenches a fist.", "A sad face on a poster.", "She smiles."],
    "judgement": ["A tall woman enters.", "He wears a red tie."],
    "address": ["A US flag flies.", "A caption reads, “We saw you.”", "The bus stops.", "Youth gather.", "Myra sits."],
    "question": ["A sign reads, “Who is there?”", "He asks."],
}  # fmt: skip


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in BREAKS.items() for text in texts])
def test_is_found(rule: str, text: str) -> None:
    found = {finding.rule: finding for finding in findings(text, "en")}
    assert rule in found
    assert found[rule].source


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in KEEPS.items() for text in texts])
def test_is_left_alone(rule: str, text: str) -> None:
    assert rule not in [finding.rule for finding in findings(text, "en")]


def test_nothing_is_mended_for_no_rule_of_english_has_a_safe_fix() -> None:
    assert all(fixed(text, "en") == text for texts in BREAKS.values() for text in texts)


def test_describers_break_few_rules(media: Path) -> None:
    """Errors on more than 5 % of what describers wrote would be false alarms."""
    with (media / "ad-text-tv" / "tvad_train.csv").open(encoding="utf-8") as file:
        lines = [row["text_gt"] for row in csv.DictReader(file)]
    wrong = sum(any(f.severity == "error" for f in findings(line, "en")) for line in lines)
    assert wrong / len(lines) < 0.015
