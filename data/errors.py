"""The errors that people see. Each holds a template and its values, and is translated when it is shown.

VdescError
├── UserError        the user's input or configuration; exit code 2
│   ├── MediaError   a film that cannot be read or written
│   └── ConfigError  a setting that does not exist or does not fit
└── StageError       a stage could not write its whole result; exit code 1
"""

import errno

from data.messages import known, tr

SURROUNDINGS = frozenset(
    {
        errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EACCES, errno.EPERM, errno.EROFS,
        errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG,
    }
)  # fmt: skip
"""What the system says of a full disk, a folder that may not be written, a broken drive: not our defect."""


def interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C lies behind an error: an import that it breaks off ends in an ImportError."""
    return error is not None and (
        isinstance(error, KeyboardInterrupt) or interrupted(error.__cause__ or error.__context__)
    )


class VdescError(Exception):
    """Base of every error whose message is written for people: the cause, then the remedy, on one line.

    `template` is English (`data.messages.tr`) with fields of str.format; without values it may be a text that is whole.
    """

    def __init__(self, template: str, /, **values: object) -> None:
        super().__init__(template)
        self.values = values

    def __str__(self) -> str:
        """The message in the language of whoever is being answered."""
        template = str(self.args[0])
        return tr(template, **self.values) if self.values else known(template)


class UserError(VdescError):
    """The input or the configuration is at fault, and the user can mend it."""


class MediaError(UserError):
    """A film, its audio or its subtitles cannot be read, or a result cannot be written."""


class ConfigError(UserError):
    """A setting is unknown or its value does not fit."""


class StageError(VdescError):
    """A stage failed; names the episode, the stage, the cause and the remedy."""
