"""Lines of one shape: the strings of captured records without parsing each line as JSON.

An endpoint's records differ in a few strings only: payloads, ids, times. The first line of a block, parsed once, tells
which text is the same in every line and where the strings lie between; then numpy compares that text in all lines at
once and cuts the strings out. That takes 8 ms for 8 MB, where Arrow's JSON parser takes 26. A block of any
other shape is left to the parser.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hourglass.capture.blocks import FIRST_PRINTABLE, Block

Path = tuple[str, ...]
Places = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_QUOTE = ord('"')
_DIFFERENCES = (0, -1, 1)  # a string's length less the first line's: tried before its other end is looked for
_REACHES = (32, 256)  # how far a string's other end is looked for; only the longest string of a line may differ more
_GLANCE = 8  # bytes of a text that are compared before all of it is
_FEW = 16  # below this number of lines the template costs more than it saves


@dataclass(frozen=True)
class _Template:
    """A line as `texts[0] string texts[1] string … texts[-1]`; the strings differ from line to line, the texts do not.

    `lengths` are those of the first line's strings, `longest` is the number of the longest of them. `wanted` says where
    each wanted value is: the number of its string, or its text (None: null) if it never differs.
    """

    texts: tuple[bytes, ...]
    lengths: tuple[int, ...]
    longest: int
    wanted: tuple[int | str | None, ...]


def read_strings(block: Block, wanted: Sequence[Path]) -> list[pa.Array] | None:
    """The string at each wanted path in every line of the block, null where there is none; None if lines differ in shape.

    Values that are the same in every line come as a dictionary array of one text.
    """
    count = block.line_count
    if count < _FEW or b"\\" in block.data or not block.is_utf8:
        return None
    samples = [block.line(number) for number in (0, count // 2, count - 1)]
    if not _alike(block, samples[0]):
        return None
    for same in dict.fromkeys((_same_strings(samples), frozenset[int]())):
        template = _template(samples[0], wanted, same)
        spans = _spans(block, template) if template else None
        if template and spans:
            return [_array(block, place, spans) for place in template.wanted]
    return None


def _alike(block: Block, line: bytes) -> bool:
    """Whether there are as many quotes and control characters as in so many lines like this one.

    When each line has the template's texts too, its strings hold neither, so they end where they seem to end.
    """
    data = block.array
    controls = sum(byte < FIRST_PRINTABLE for byte in line)
    return len(block.controls) == block.line_count * controls and int(np.count_nonzero(data == _QUOTE)) == block.line_count * line.count(
        b'"'
    )


def _same_strings(samples: Sequence[bytes]) -> frozenset[int]:
    """The strings, by number, that are equal in all samples: probably in all lines."""
    split = [sample.split(b'"')[1::2] for sample in samples]
    if len({len(strings) for strings in split}) > 1:
        return frozenset()
    return frozenset(i for i, strings in enumerate(zip(*split, strict=True)) if len(set(strings)) == 1)


def _template(line: bytes, wanted: Sequence[Path], same: frozenset[int]) -> _Template | None:
    """The template of lines like this one, or None if it is not a JSON object with strings or null at the wanted paths."""
    parts = line.split(b'"')
    if len(parts) % 2 == 0:
        return None
    numbered = parts.copy()
    values = [i for i in range(1, len(parts), 2) if not parts[i + 1].lstrip().startswith(b":")]
    for i in values:
        numbered[i] = b"%d" % i
    try:
        json.loads(line)
        document = json.loads(b'"'.join(numbered), object_pairs_hook=_object)
        found = [_follow(document, path) for path in wanted]
    except ValueError:
        return None
    differing = [i for i in values if i // 2 not in same]
    if not differing:
        return None
    edges = pairwise([-1, *differing, len(parts)])
    texts = [b'"'.join([*([b""] if i >= 0 else []), *parts[i + 1 : j], *([b""] if j < len(parts) else [])]) for i, j in edges]
    places = tuple(None if i is None else differing.index(i) if i in differing else parts[i].decode("utf-8") for i in found)
    lengths = tuple(len(parts[i]) for i in differing)
    return _Template(tuple(texts), lengths, lengths.index(max(lengths)), places)


def _object(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    pairs = list(pairs)
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a key occurs twice")
    return document


def _follow(document: object, path: Path) -> int | None:
    """The number of the string at a path, None for null or a missing key; ValueError for anything else."""
    for key in path:
        if not isinstance(document, dict):
            raise ValueError(f"{key} is not in an object")  # noqa: TRY004 the caller asks for the one kind
        document = document.get(key)
        if document is None:
            return None
    if not isinstance(document, str):
        raise ValueError(f"{path[-1]} is no string")  # noqa: TRY004 as above
    return int(document)


def _spans(block: Block, template: _Template) -> list[tuple[Places, Places]] | None:
    """Where each string begins and ends in every line, or None if a line does not fit.

    The strings are found from both ends of the line towards the longest one, so that its bytes, most of the line,
    are never looked at.
    """
    data, texts = block.array, template.texts
    left, right = block.line_starts[:-1], block.line_starts[1:]
    if int((right - left).min()) < sum(map(len, texts)):
        return None
    before: list[tuple[Places, Places]] = []
    after: list[tuple[Places, Places]] = []
    for i in range(template.longest):
        start = left + len(texts[i])
        found = _ahead(data, start, template.lengths[i], texts[i + 1][:_GLANCE])
        if found is None or not _have(data, left, texts[i]):
            return None
        before.append((start, found))
        left = found
    for i in range(len(template.lengths) - 1, template.longest, -1):
        end = right - len(texts[i + 1])
        found = _behind(data, end, template.lengths[i], texts[i][-_GLANCE:])
        if found is None or not _have(data, end, texts[i + 1]):
            return None
        after.append((found, end))
        right = found
    text, next_text = texts[template.longest : template.longest + 2]
    start, end = left + len(text), right - len(next_text)
    if (start > end).any() or not _have(data, left, text) or not _have(data, end, next_text):
        return None
    return [*before, (start, end), *reversed(after)]


def _windows(data: Bytes, starts: Places, width: int) -> Bytes:
    """The `width` bytes from each place on, as rows."""
    overlapping = np.ndarray((len(data) - width + 1,), f"V{width}", data, 0, (1,))
    return overlapping[starts].view(np.uint8).reshape(len(starts), width)


def _have(data: Bytes, starts: Places, text: bytes) -> bool:
    """Whether this text stands at each of the places."""
    if int(starts.min()) < 0 or int(starts.max()) + len(text) > len(data):
        return False
    return bool((_windows(data, starts, len(text)) == np.frombuffer(text, np.uint8)).all())


def _fit(data: Bytes, starts: Places, text: bytes) -> npt.NDArray[np.bool_]:
    """At which of the places this text stands."""
    last = len(data) - len(text)
    rows = _windows(data, np.clip(starts, 0, last), len(text))
    if len(text) == _GLANCE:
        equal = rows.view(np.uint64)[:, 0] == np.frombuffer(text, np.uint64)
    else:
        equal = (rows == np.frombuffer(text, np.uint8)).all(axis=1)
    return np.asarray(equal & (starts >= 0) & (starts <= last))


def _tried(data: Bytes, edges: Places, length: int, text: bytes, sign: int) -> tuple[Places, Places]:
    """The other ends of strings that are about `length` long, and the numbers of those that are not.

    `sign` is 1 where strings end and -1 where they start; `text` begins, or ends, where they do.
    """
    found = edges.copy()
    left = np.arange(len(edges))
    for difference in _DIFFERENCES:
        if length + difference < 0:
            continue
        ends = edges[left] + sign * (length + difference)
        fits = _fit(data, ends if sign > 0 else ends - len(text), text)
        found[left[fits]] = ends[fits]
        left = left[~fits]
        if len(left) == 0:
            break
    return found, left


def _ahead(data: Bytes, starts: Places, length: int, text: bytes) -> Places | None:
    """Where the strings that start here end: about `length` further on, where `text` begins, or else at the next quote."""
    if _have(data, starts + length, text):
        return starts + length
    found, left = _tried(data, starts, length, text, 1)
    starts = starts[left]
    for reach in _REACHES if len(left) else ():
        if reach > len(data):
            return None
        first = np.minimum(starts, len(data) - reach)
        quotes = _windows(data, first, reach) == _QUOTE
        skipped = starts - first
        if skipped.any():  # places so near to the end that their window begins before them
            quotes &= np.arange(reach) >= skipped[:, None]
        if quotes.any(axis=1).all():
            found[left] = first + quotes.argmax(axis=1)
            return found
    return None if len(left) else found


def _behind(data: Bytes, ends: Places, length: int, text: bytes) -> Places | None:
    """Where the strings that end here start: about `length` before, where `text` ends, or else after the last quote."""
    if _have(data, ends - length - len(text), text):
        return ends - length
    found, left = _tried(data, ends, length, text, -1)
    ends = ends[left]
    for reach in _REACHES if len(left) else ():
        if reach > len(data):
            return None
        last = np.maximum(ends, reach)
        quotes = _windows(data, last - reach, reach)[:, ::-1] == _QUOTE  # a new array: argmax is slow on a reversed view
        skipped = last - ends
        if skipped.any():
            quotes &= np.arange(reach) >= skipped[:, None]
        if quotes.any(axis=1).all():
            found[left] = last - quotes.argmax(axis=1)
            return found
    return None if len(left) else found


def _array(block: Block, place: int | str | None, spans: Sequence[tuple[Places, Places]]) -> pa.Array:
    count = block.line_count
    if place is None:
        return pa.nulls(count, pa.string())
    if isinstance(place, str):
        return pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([place]))
    starts, ends = spans[place]
    length = int(ends[0] - starts[0])
    if length and (ends - starts == length).all():  # ids and times, mostly: half the time of what comes below
        offsets = (np.arange(count + 1) * length).astype(np.int32)
        return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(_windows(block.array, starts, length)))
    # one array of strings and the gaps between them lies over the block without a copy; every second entry is a string
    offsets = np.stack([starts, ends], axis=1).astype(np.int32).reshape(-1)
    both = pa.StringArray.from_buffers(2 * count - 1, pa.py_buffer(offsets), pa.py_buffer(block.data))
    return both.take(pa.array(np.arange(0, 2 * count - 1, 2)))
