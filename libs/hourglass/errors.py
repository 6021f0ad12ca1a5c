"""One tree of errors; each says subject, found, expected, hint, and which exit code the process ends with."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence

VIOLATIONS_EXIT = 3  # with --fail-on-violations


class HourglassError(Exception):
    """A failure that a person can act on.

    `str(error)` is one sentence made of its parts; it goes to standard error and to the message file.

    >>> str(HourglassError("column 'age'", found="String", expected="a numeric column", hint="choose hours"))
    "column 'age': found String; expected a numeric column. Hint: choose hours"
    """

    exit_code = 1

    def __init__(self, subject: str, *, found: object = None, expected: object = None, hint: str | None = None) -> None:
        self.subject = subject
        self.found = found
        self.expected = expected
        self.hint = hint
        super().__init__(subject)

    def __str__(self) -> str:
        facts = [f"{word} {value}" for word, value in (("found", self.found), ("expected", self.expected)) if value is not None]
        sentence = f"{self.subject}: {'; '.join(facts)}" if facts else self.subject
        return f"{sentence}. Hint: {self.hint}" if self.hint else sentence


class SettingsError(HourglassError):
    """Settings that cannot be used; carries every fault at once, one a line."""

    exit_code = 2

    def __init__(self, faults: Iterable[HourglassError]) -> None:
        self.faults = tuple(faults)
        super().__init__(f"{len(self.faults)} fault{'s' if len(self.faults) != 1 else ''} in the settings")

    def __str__(self) -> str:
        return "\n".join([self.subject, *(f"  {fault}" for fault in self.faults)])


class InputError(HourglassError):
    """Input that cannot be read or is worse than the settings allow."""

    exit_code = 2


class HookError(InputError):
    """A user's hook script failed; its own traceback is part of the sentence."""


class ModelError(InputError):
    """A model cannot be opened, fails, or answers with what is no prediction."""


class ModelUnreachable(ModelError):
    """A model does not answer at all, whatever it is asked about."""


class EnvironmentFault(HourglassError):
    """Something outside of the data and the settings is missing: Java, a package, a right."""

    exit_code = 2


class StoreFault(EnvironmentFault):
    """An object store that does not do what it is asked for: throttles, denies, is not reached. What it holds is not known.

    So it is never taken for a damaged or a missing file: it ends the job.
    """


class OutOfMemory(EnvironmentFault):
    """Memory has run out: of this process, of Java, or of a worker that the system has ended for it.

    >>> str(OutOfMemory("a worker that was killed"))
    'memory: found a worker that was killed; expected more of it. Hint: give the container or instance more memory'
    """

    def __init__(self, found: object, hint: str = "give the container or instance more memory") -> None:
        super().__init__("memory", found=found, expected="more of it", hint=hint)


class InternalError(HourglassError):
    """Our own fault: two parts of the program disagree."""

    exit_code = 1


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to `word`, as a hint, or None when nothing is near.

    >>> did_you_mean("linf_robst", ["linf_robust", "chi_squared"])
    'did you mean linf_robust?'
    """
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}?" if near else None


def near_misses(given: Iterable[str], known: Sequence[str], where: str, let_be: Collection[str] = ()) -> list[HourglassError]:
    """A fault for each key of a document that is nearly a known one: a slip, while any other is none of our business.

    >>> [str(fault) for fault in near_misses(["treshold", "comment"], ["value", "threshold"], "CI.")]
    ['CI.treshold: found an unknown key; expected value, threshold. Hint: did you mean threshold?']
    """
    unknown = [key for key in given if key not in known and key not in let_be]
    hints = {key: hint for key in unknown if (hint := did_you_mean(key, known))}
    return [InputError(f"{where}{key}", found="an unknown key", expected=", ".join(known), hint=hint) for key, hint in hints.items()]


def shorten(text: str, limit: int = 200) -> str:
    """`text` cut to `limit` characters, with the number of those left out.

    >>> shorten("abcdef", 4)
    'abcd… (2 more characters)'
    """
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more characters)"
