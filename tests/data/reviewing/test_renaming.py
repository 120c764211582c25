"""Names and the particles that follow them."""

from __future__ import annotations

import pytest

from data.review.renaming import renamed


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ("소영", "지수", "소영이 소영이가 소영은 소영이는", "지수가 지수가 지수는 지수는"),
        ("소영", "지수", "소영을 소영과 소영의 소영에게 소영에게는", "지수를 지수와 지수의 지수에게 지수에게는"),
        ("소영", "지수", "소영으로 소영이라고 소영아 소영 씨가 소영씨는", "지수로 지수라고 지수야 지수 씨가 지수씨는"),
        ("지수", "소영", "지수가 지수는 지수를 지수와 지수와는", "소영이 소영은 소영을 소영과 소영과는"),
        ("소영", "민준", "소영이가 소영이네 소영이", "민준이가 민준이네 민준이"),
        ("민수", "철수", "민수진이 민수정은 김민수가 민수", "민수진이 민수정은 김민수가 철수"),
        ("여자", "소영", "여자가 웃는다. 여자들이, 여자!", "소영이 웃는다. 소영들이, 소영!"),
        ("나무", r"\1", "나무 나무꾼", r"\1 나무꾼"),
    ],
)  # fmt: skip
def test_particles_follow_the_new_name(old: str, new: str, before: str, after: str) -> None:
    assert renamed(before, old, new, "ko") == after


def test_english_names_are_words() -> None:
    assert renamed("Ann's hat. Anna looks at Ann.", "Ann", "Jo", "en") == "Jo's hat. Anna looks at Jo."
