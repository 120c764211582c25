"""How words of a series are read: a file a describer keeps, and the readings of the cast.

CSV (`word,reading` on every line; a spreadsheet writes it) or YAML (`word: reading`):

    word,reading
    SHIELD,쉴드
    오각형,오가켱

A word stands for itself and for itself with a Korean particle behind it, never for a part of another word.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml

from data.errors import ConfigError
from data.messages import tr
from data.text import korean

ENCODINGS = ("utf-8-sig", "cp949")
"""What spreadsheets save CSV in; CP949 on Korean Windows."""
HEADER = ("word", "reading")
_HANGUL = "가-힣"
# Particles, copula and suffixes of address after a name or noun (국립국어원 표준국어대사전): those that follow a
# vowel, those that follow a consonant, and those that follow either.
_OPEN = "가 를 는 와 로 로서 로써 야 여 나 랑 며 고 라 다 든 요 라고 라는 라며 란 였다 자"
_CLOSED = (
    "이 을 은 과 으로 으로서 으로써 아 이여 이나 이랑 이며 이고 이라 이다 이든 이요 "
    "이라고 이라는 이라며 이란 이었다 이자"
)
_EITHER = (
    "의 에 도 만 들 네 씨 님 께 인 에서 에게 한테 께서 에게서 한테서 까지 부터 "
    "보다 처럼 같이 마저 조차 밖에 마다 대로 만큼 뿐 하고"
)

Readings = Mapping[str, str]
"""Word → how it is read."""


def read(path: Path) -> dict[str, str]:
    """The readings in a CSV or YAML file. Raises ConfigError that names the line."""
    text = _text(path)
    rows = _yaml_rows(text, path) if path.suffix.lower() in {".yaml", ".yml"} else _csv_rows(text, path)
    readings: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, word, reading in rows:
        if not any(map(str.isalnum, word)) or not any(map(str.isalnum, reading)):
            raise _wrong(path, line, tr("both the word and its reading are needed"))
        before = lines.setdefault(word.casefold(), line)
        if before != line:
            raise _wrong(path, line, tr("“{word}” is already in line {before}", word=word, before=before))
        readings[word] = reading
    return readings


def reader(*sources: Readings) -> Callable[[str], str]:
    """A function that puts the readings into a text. Of two sources with one word, the later counts.

    The longest word comes first, capitals are as good as small letters, and no reading is read again.
    """
    readings = {_plain(word).casefold(): reading for source in sources for word, reading in source.items()}
    if not readings:
        return lambda text: text
    words = sorted(readings, key=len, reverse=True)
    pattern = re.compile("|".join(f"({_pattern(word)})" for word in words), re.IGNORECASE)
    return lambda text: pattern.sub(lambda m: readings[words[(m.lastindex or 1) - 1]], _plain(text))


def _pattern(word: str) -> str:
    """Where `word` stands alone: letters of its own script and digits end it, after Hangul also particles do."""
    end = rf"(?={_tail(word[-1])}(?![{_HANGUL}]))" if re.match(f"[{_HANGUL}]", word[-1]) else f"(?!{_bound(word[-1])})"
    return rf"(?<!{_bound(word[0])}){re.escape(word)}{end}"


def _tail(last: str) -> str:
    """Up to three particles; the first must fit the last syllable, so that 이안 is not found in 이안나."""
    end = korean.final(last)
    after_l = " 로 로서 로써" if end == korean.FINAL_L else ""
    first = f"{_EITHER} {_CLOSED if end else _OPEN}{after_l}"
    return f"(?:{_any(first)}{_any(f'{_EITHER} {_CLOSED} {_OPEN}')}{{0,2}})?"


def _any(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


def _bound(character: str) -> str:
    """What continues the word that `character` is the edge of."""
    if re.match(rf"[{_HANGUL}]", character):
        return rf"[{_HANGUL}]"
    return r"\d" if character.isdigit() else r"[^\W\d_가-힣]" if character.isalpha() else "(?!)"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            "The pronunciation file {path} cannot be read ({cause}); check voice.pronunciations",
            path=path,
            cause=error.strerror,
        ) from error
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _wrong(path, 1, tr("the file is neither UTF-8 nor CP949 text; save it as UTF-8"))


def _csv_rows(text: str, path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, word and reading of every row with something in it, the header left out."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in rows:
            cells = [_plain(cell) for cell in row]
            if not any(cells) or cells[0].startswith("#") or tuple(map(str.lower, cells)) == HEADER:
                continue
            if len(cells) != 2:
                raise _wrong(path, rows.line_num, tr("a row is a word, a comma and its reading"))
            yield rows.line_num, cells[0], cells[1]
    except csv.Error as error:
        raise _wrong(path, rows.line_num, str(error)) from error


def _yaml_rows(text: str, path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, word and reading of every entry, as written: a reading of 1 is the text 1."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _wrong(path, line, error.problem or "?") from error
    except yaml.YAMLError as error:
        raise _wrong(path, 1, " ".join(str(error).split())) from error
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise _wrong(path, root.start_mark.line + 1, tr("a row is “word: reading”"))
    for key, value in root.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
            raise _wrong(path, line, tr("a row is “word: reading”"))
        yield line, _plain(key.value), _plain(value.value)


def _wrong(path: Path, line: int, cause: str) -> ConfigError:
    return ConfigError("{path}, line {line}: {cause}", path=path, line=line, cause=cause)
