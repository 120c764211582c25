"""What people are told of results is kept as a template with values, and worded when it is shown."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import TypeAdapter

from data import messages
from data.errors import UserError
from data.reasons import Message, NoRoom, Overruns, Protected, Reason, Refused, Told, TooLong, say
from data.records import Note

REASONS: TypeAdapter[Reason] = TypeAdapter(Reason)
RULE = Message(template="past tense “{found}”", values={"found": "열렸다"}, korean="과거형 “{found}”")


def kept(message: Message) -> Message:
    return Message.model_validate_json(message.model_dump_json())


@pytest.mark.parametrize(
    ("told", "english", "korean"),
    [
        (say("No line was found for the pauses of the dialogue; nothing was added."), "No line was found", "없"),
        (say("it takes {needed:.1f} s and has {room:.1f} s", needed=3, room=2.04), "takes 3.0 s and has", "3.0초"),
        (say("“{text}” is not spoken: {reason}", text="문.", reason=Protected()), "that must stay heard", "노래"),
        (say("{name}: {cause}", name="a", cause=UserError("{path} does not exist; give a script or a results folder",
                                                        path="a.vtt")), "a.vtt does not exist", "없습니다"),
        (say("{name}: {cause}", name="a", cause=(RULE, "b")), "past tense “열렸다”, b", "과거형 “열렸다”, b"),
    ],
)  # fmt: skip
def test_a_message_is_told_in_the_language_of_whoever_looks(told: Message, english: str, korean: str) -> None:
    again = kept(told)
    assert again == told
    assert english in str(again)
    with messages.answering("ko"):
        assert korean in str(again)
    assert english in str(again), "and nothing of that stays"


@pytest.mark.parametrize(
    "reason", [NoRoom(), TooLong(needed=2.5, room=1.0), Overruns(needed=2, room=1), Refused(rules=(RULE,))]
)
def test_a_reason_is_found_again_by_its_code(reason: Reason) -> None:
    again = REASONS.validate_json(REASONS.dump_json(reason))
    assert (type(again), again) == (type(reason), reason)


def test_a_text_without_values_may_hold_braces() -> None:
    assert str(say('{"a": 1}')) == '{"a": 1}'


def test_every_reason_has_a_code_of_its_own_and_says_it_in_korean() -> None:
    union = get_args(get_args(Reason)[0])
    assert set(union) == set(Told.__subclasses__())
    assert len({kind.model_fields["code"].default for kind in union}) == len(union)
    told = {kind.headline for kind in union if kind.headline} | {kind.template for kind in union}
    assert told <= set(messages.catalogue("ko"))
    assert all(kind.headline or "{" not in kind.template for kind in union), "what is counted has no values"


def test_a_note_is_kept_without_a_language() -> None:
    messages.use("ko")
    note = Note.model_validate_json(Note(message=say("No gap can take a line; nothing was added.")).model_dump_json())
    messages.use("en")
    assert note.text == "No gap can take a line; nothing was added."
