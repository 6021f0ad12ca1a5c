"""Three ways read captured lines: each must give what the slowest and simplest gives."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass.capture import records
from hourglass.capture.blocks import Block, Piece
from hourglass.capture.tally import BadLines, Tally
from hourglass.capture.template import read_strings
from hourglass.capture.window import Window, parse_time

WANTED = [
    *(("captureData", side, part) for side in ("endpointOutput", "endpointInput") for part in ("data", "encoding", "observedContentType")),
    ("eventMetadata", "inferenceTime"),
]
TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters='\\"\n\r'), max_size=40)
PLAIN = st.text("0123456789.,-abc é", max_size=300)


def record(data: object = "1,2", output: object = "0.5", content_type: object = "text/csv", event: object = "e-1") -> dict[str, Any]:
    """A captured record as an endpoint writes it."""
    return {
        "captureData": {
            "endpointInput": {"observedContentType": content_type, "mode": "INPUT", "data": data, "encoding": "CSV"},
            "endpointOutput": {"observedContentType": "text/csv", "mode": "OUTPUT", "data": output, "encoding": "CSV"},
        },
        "eventMetadata": {"eventId": event, "inferenceTime": "2026-11-21T09:00:00Z"},
        "eventVersion": "0",
    }


def line(document: object) -> bytes:
    """A document as a service writes it: without blanks, characters as they are."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def block(lines: list[bytes]) -> Block:
    """A block of one file."""
    return Block(PARTITION, 0, b"".join(lines), (Piece("/a.jsonl", 0, 0),))


def values(found: list) -> list[list[str | None]]:
    """Arrays as lists."""
    return [array.to_pylist() for array in found]


def changed(change: Callable[[dict, dict], object]) -> st.SearchStrategy[bytes]:
    """Lines whose document was changed; the change gets the document and its captureData."""

    def _changed(data: str, output: str, event: str) -> bytes:
        document = record(data, output, event=event)
        return line(change(document, document["captureData"]) or document)

    return st.builds(_changed, PLAIN, PLAIN, TEXTS)


def replaced(old: bytes, new: bytes) -> st.SearchStrategy[bytes]:
    """Lines in which some bytes were replaced."""
    return st.builds(lambda data, event: line(record(data, event=event)).replace(old, new), PLAIN, TEXTS)


# what endpoints, proxies and accidents bring about
NEARLY = st.one_of(
    changed(lambda document, _: dict(reversed(document.items()))),
    changed(lambda _, capture: capture["endpointInput"].update(observedContentType=None)),
    changed(lambda _, capture: capture["endpointInput"].update(data='a "quoted" word')),
    changed(lambda _, capture: capture["endpointInput"].update(data=17)),
    changed(lambda _, capture: capture.update(endpointInput=None)),
    changed(lambda _, capture: capture.update(endpointInput="text")),
    changed(lambda _, capture: capture.pop("endpointOutput") and None),
    changed(lambda document, _: document.update(more={"captureData": "x"})),
    changed(lambda document, _: document["eventMetadata"].update(inferenceTime=1_700_000_000_000)),
    replaced(b'"INPUT"', b'"IN\x01PUT"'),
    replaced(b"\n", b"\r\n"),
    replaced(b'"mode"', b'"data"'),  # a key twice
    replaced(b'":', b'" : '),
    replaced(b"}}", b"}"),
    replaced(b"CSV", b"CS\xff"),
    st.sampled_from([b"\n", b"  \n", b"\r\n", b"{}\n", b"null\n", b"5\n", b"not JSON\n", b"\x00\x00\n"]),
    st.builds(lambda length: line(record())[:length] + b"\n", st.integers(1, 200)),
)
PARTITION = "churn/AllTraffic/2026/11/21/09"
SIDES = ("endpointOutput", "endpointInput")
WINDOW = Window(parse_time("2026-11-21T09:00:00Z"), parse_time("2026-11-21T10:00:00Z"))


def parsed(whole: Block) -> tuple[object, ...]:
    """Everything that parsing says of a block."""
    tally = Tally()
    found = records.parse_records(whole, SIDES, tally, WINDOW, ids=True)
    sides = [[part.to_pylist() for part in (side.data, side.encoding, side.content_type)] for side in found.sides]
    part = PARTITION, 0
    bad = sorted(entry["line"] for entry in tally.bad.kept.get(part, ()))
    assert found.ids is not None
    return sides, found.lines.tolist(), found.ids.tolist(), found.read, bad, tally.bad.total, tally.outside.get(part)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(PLAIN, PLAIN, TEXTS), min_size=16, max_size=24), st.lists(NEARLY, max_size=2), st.randoms(use_true_random=False))
def test_every_way_reads_the_same_records(rows: list, strange: list[bytes], random: Any) -> None:
    """Template, Arrow and the line-by-line way agree on the records, on their lines, and on the lines that are bad."""
    lines = [line(record(data, output, event=event)) for data, output, event in rows] + strange
    random.shuffle(lines)
    found = parsed(block(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "read_strings", lambda *_: None)
        by_arrow = parsed(block(lines))
        patch.setattr(records, "by_arrow", lambda *_: None)
        by_line = parsed(block(lines))
    assert found == by_line
    assert by_arrow == by_line


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_the_template_takes_what_endpoints_write(ending: bytes) -> None:
    """Payloads, ids and content types may differ from line to line and still no line is parsed as JSON."""
    lines = [
        line(
            record(",".join(map(str, range(i % 7, 60))), str(i / 7), "text/csv" if i % 2 else "text/csv; charset=utf-8", f"id-{i}")
        ).replace(b"\n", ending)
        for i in range(50)
    ]
    found = read_strings(block(lines), WANTED)
    assert found is not None
    assert values(found) == values(records._by_line(block(lines), WANTED, BadLines())[0])


@pytest.mark.parametrize("change", ["quote", "control", "backslash", "shape", "latin-1", "twice", "number"])
def test_the_template_leaves_other_lines_to_the_parser(change: str) -> None:
    """One line of another shape in a block is enough for the whole block to be parsed."""
    lines = [line(record(str(i), event=f"id-{i}")) for i in range(20)]
    lines[7] = {
        "quote": line(record('7"', event="id-7")).replace(b"\\", b""),
        "control": line(record("7", event="id-7")).replace(b"id-7", b"id\t7"),
        "backslash": line(record("7\n8", event="id-7")),
        "shape": line({"captureData": record("7")["captureData"]}),
        "latin-1": line(record("é", event="id-7")).decode().encode("latin-1"),
        "twice": line(record("7", event="id-7")).replace(b'"mode"', b'"data"'),
        "number": line(record(7, event="id-7")),
    }[change]
    assert read_strings(block(lines), WANTED) is None


def test_the_template_cannot_be_fooled_by_text_that_looks_like_structure() -> None:
    """A payload that holds the text around another one is a payload still."""
    lines = [line(record("',mode:INPUT,data:" * (i % 3 + 1), "}},eventMetadata:{eventId:" * (i % 2 + 1))) for i in range(32)]
    assert values(read_strings(block(lines), WANTED) or []) == values(records._by_line(block(lines), WANTED, BadLines())[0])
