"""Bytes of states as releases have stored them: the files of a folder, and what today's code must still find in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

CASES = ("empty", "small", "overflowing")


@dataclass(frozen=True)
class StoredBytes:
    """A folder with the bytes of every version of some states, and the numbers that were found in them then."""

    folder: Path
    states: Mapping[str, Any]
    make: Callable[[str, str], Any]
    facts: Callable[[Any], dict[str, Any]]

    def bytes_at(self, kind: str, version: int, case: str) -> Path:
        """Where the bytes of a case lie."""
        return self.folder / f"{kind}.v{version}.{case}.bin"

    def expected(self, kind: str, version: int) -> Path:
        """Where the numbers of all cases lie."""
        return self.folder / f"{kind}.v{version}.json"

    def stored(self) -> list[tuple[str, int, str]]:
        """Kind, version and case of every file of bytes that there is."""
        names = sorted(path.name.split(".") for path in self.folder.glob("*.bin"))
        return [(kind, int(version[1:]), case) for kind, version, case, _ in names]

    def write_missing(self) -> None:
        """Adds the files of states and versions that have none; overwrites nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for kind, cls in self.states.items():
            expected = self.expected(kind, cls.version)
            if expected.exists():
                continue
            states = {case: self.make(kind, case) for case in CASES}
            for case, state in states.items():
                self.bytes_at(kind, cls.version, case).write_bytes(state.to_bytes())
            found = {case: self.facts(state) for case, state in states.items()}
            expected.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
