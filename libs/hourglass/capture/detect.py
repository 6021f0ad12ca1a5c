"""The format of files, found out by a look at the first of them."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from hourglass import storage
from hourglass.capture.documents import load
from hourglass.capture.files import InputFile
from hourglass.capture.formats import DatasetFormat

_LOOK = 64 << 10
_LONG_LOOK = 8 << 20  # of a record of many rows, whose label stands after them
_FILES, _LINES = 8, 20
_BOM = b"\xef\xbb\xbf"
_CAPTURED, _MERGED = b'"captureData"', b'"groundTruthData"'


def detect_format(files: Sequence[InputFile]) -> DatasetFormat:
    """Parquet by its magic bytes, captured or merged records and JSON by their lines, else CSV.

    Some lines of several files are looked at, so that a broken first one decides nothing: a captured record anywhere
    means captures, and so do hour folders in whose files nothing can be read. CSV has a header when no field of its
    first line is a number and all differ. Without files it is the format of endpoint captures.
    """
    if not files:
        return DatasetFormat("capture")
    with ThreadPoolExecutor(2 * _FILES) as threads:
        looked_at = _spread([file for file in files if file.size])
        heads = [head for head in threads.map(_head, looked_at) if head.strip()]
    if any(head.startswith(b"PAR1") for head in heads):
        return DatasetFormat("parquet")
    lines = [line.strip() for head in heads for line in head.removeprefix(_BOM).split(b"\n")[:_LINES] if line.strip()]
    documents = [document for document in map(_document, lines) if document is not None]
    captured = [document for document in documents if isinstance(document, dict) and "captureData" in document]
    if captured or any(_CAPTURED in head for head in heads):
        # records over several lines, and very long ones, are none of the documents
        labels = ("groundTruthData" in document for document in captured) if captured else (_labelled(file) for file in looked_at)
        return DatasetFormat("merge" if any(labels) else "capture")
    if documents or any(head.lstrip(_BOM + b" \t\r\n").startswith((b"{", b"[")) for head in heads):
        return DatasetFormat("json")
    texts = [line for line in lines if _is_text(line)]
    if not texts:
        return DatasetFormat("capture") if any(file.partition for file in files) else DatasetFormat("csv")
    return DatasetFormat("csv", header=_is_header(texts[0].decode("utf-8")))


def _spread(files: Sequence[InputFile]) -> list[InputFile]:
    """The first files, the last and some between."""
    step = max(1, len(files) // _FILES)
    return [*files[:_FILES], *files[_FILES::step], *files[-1:]][: 2 * _FILES]


def _document(line: bytes) -> object:
    try:
        document = load(line)
    except (ValueError, UnicodeDecodeError):
        return None
    return document if isinstance(document, dict | list) else None


def _labelled(file: InputFile) -> bool:
    return _MERGED in _head(file, _LONG_LOOK)


def _is_text(line: bytes) -> bool:
    try:
        return line.decode("utf-8").isprintable() or b"\t" in line
    except UnicodeDecodeError:
        return False


def _head(file: InputFile, size: int = _LOOK) -> bytes:
    try:
        with storage.opened(file.path) as stream:
            data = bytes(stream.read(size))
            if not data.startswith(b"\x1f\x8b"):
                return data
            stream.seek(0)
            return gzip.GzipFile(fileobj=stream).read(size)
    except (EOFError, OSError, zlib.error):
        return b""


def _is_header(line: str) -> bool:
    try:
        fields = next(csv.reader([line]), [])
    except csv.Error:
        return False
    return len(set(fields)) == len(fields) > 0 and not any(_is_number(field) or not field for field in fields)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
