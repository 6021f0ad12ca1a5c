"""Slices into blocks: every line once, whatever the cuts, and damaged files set aside without an end to the job."""

import gzip
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass.capture import blocks
from hourglass.capture.blocks import Block, Reading, read_blocks
from hourglass.capture.slices import Slice
from hourglass.capture.tally import BadLines

LINE = st.one_of(
    st.binary(max_size=12).map(lambda data: data.replace(b"\n", b"").replace(b"\x1f\x8b", b"")),  # no gzip by chance
    st.sampled_from([b"", b"\r", b'{"a": 1}\r', b'"', b"\xef\xbb\xbf", b"x" * 40]),
)


def slices(path: Path, cuts: list[int], size: int) -> list[Slice]:
    """The file in slices with edges at these bytes."""
    edges = sorted({0, size, *(cut % (size + 1) for cut in cuts)})
    if len(edges) <= 2:
        return [Slice(str(path), "", 0, 0, size, whole=True)]
    return [Slice(str(path), "", 0, start, end, whole=False) for start, end in pairwise(edges)]


def lines_of(pieces: list[Slice], reading: Reading = blocks.LINES) -> list[bytes]:
    """All lines that the slices give."""
    found = []
    for piece in pieces:
        for block in read_blocks([piece], lambda *fault: pytest.fail(str(fault)), reading):
            found += [block.line(number) for number in range(block.line_count)]
    return found


def whole(path: Path) -> Slice:
    """The file as one slice."""
    return Slice(str(path), "", 0, 0, path.stat().st_size, whole=True)


def read(*pieces: Slice, reading: Reading = blocks.LINES) -> tuple[list[bytes], list[str]]:
    """The data of the blocks and the faults of the files."""
    faults: list[str] = []
    return [block.data for block in read_blocks(pieces, lambda _, reason: faults.append(reason), reading)], faults


@settings(max_examples=300, deadline=None)
@given(lines=st.lists(LINE, max_size=20), cuts=st.lists(st.integers(0, 10_000), max_size=6), ended=st.booleans(), size=st.integers(1, 30))
def test_slices_give_every_line_exactly_once(tmp_path_factory, lines: list[bytes], cuts: list[int], ended: bool, size: int) -> None:
    """However a file is cut, with CRLF, blank lines and no last line break, its lines come out once and in order."""
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    path = tmp_path_factory.mktemp("cut") / "a.jsonl"
    path.write_bytes(data)
    expected = data.removeprefix(b"\xef\xbb\xbf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", size)
        found = lines_of(slices(path, cuts, len(data)))
    assert found == [line + b"\n" for line in expected.removesuffix(b"\n").split(b"\n")] if expected else found == []


@settings(max_examples=100, deadline=None)
@given(lines=st.lists(LINE, min_size=1, max_size=20), size=st.integers(1, 30))
def test_lines_are_found_again_in_their_file(tmp_path_factory, lines: list[bytes], size: int) -> None:
    """A bad line is reported with the number that an editor shows for it, whatever block it came in."""
    path = tmp_path_factory.mktemp("numbers") / "a.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    pieces = slices(path, [size], path.stat().st_size)
    bad = BadLines()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", size)
        for block in read_blocks(pieces, lambda *fault: pytest.fail(str(fault))):
            for number in range(block.line_count):
                bad.add(block, number, "test")
    kept = bad.kept.get(("", 0), [])
    assert [entry["line"] for entry in kept] == list(range(1, len(kept) + 1))


def test_small_files_share_a_block_of_their_part(tmp_path: Path) -> None:
    """Thousands of small files cost no more than a few large ones, and each line knows its file."""
    pieces = []
    for number in range(5):
        path = tmp_path / f"{number}.jsonl"
        path.write_text(f"{number}\n{number}" if number != 3 else "")
        pieces.append(Slice(str(path), "h1", 0 if number < 4 else 1, 0, path.stat().st_size, whole=True))
    first, second = read_blocks(pieces, lambda *fault: pytest.fail(str(fault)))
    assert (first.partition, first.part, first.data) == ("h1", 0, b"0\n0\n1\n1\n2\n2\n")
    assert (second.part, second.data) == (1, b"4\n4\n")
    assert BadLines().numbers.of(first, 3) == (str(tmp_path / "1.jsonl"), 2)


def test_gzip_is_known_by_its_bytes(tmp_path: Path) -> None:
    """A packed file may have any name, and a plain one may be called .gz."""
    packed, plain = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(b"1\n2\n") + gzip.compress(b"3"))
    plain.write_bytes(b"4\n")
    assert read(whole(packed), whole(plain)) == ([b"1\n2\n3\n4\n"], [])


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("damage", ["cut", "rubbish", "checksum"])
def test_what_a_damaged_gzip_file_still_holds_is_read(tmp_path: Path, damage: str, large: bool) -> None:
    """Whole lines before the damage count; the rest of the file is one fault."""
    lines = b"".join(b"%d\n" % number for number in range(100_000))
    data = gzip.compress(lines)
    data = {"cut": data[: len(data) // 2], "rubbish": data + b"rubbish", "checksum": data[:-8] + b"\0" * 8}[damage]
    path = tmp_path / "a.gz"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        if large:
            patch.setattr(blocks, "BLOCK_BYTES", 1 << 12)
        found, faults = read(whole(path))
    joined = b"".join(found)
    assert lines.startswith(joined)
    assert joined.endswith(b"\n")
    assert len(joined) > len(lines) // 4
    assert len(faults) == 1
    assert faults[0].startswith("unreadable file: ")


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    """A file that vanished after it was listed is set aside."""
    assert read(Slice(str(tmp_path / "none"), "", 0, 0, 5, whole=True)) == ([], ["unreadable file: No such file or directory"])


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    """Neither an empty file nor one with a byte order mark only makes a block."""
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "b").write_bytes(b"\xef\xbb\xbf")
    assert read(whole(tmp_path / "a"), whole(tmp_path / "b")) == ([], [])


def test_a_line_of_fifty_megabytes_is_a_line(tmp_path: Path) -> None:
    """A line may be longer than a block."""
    path = tmp_path / "a"
    path.write_bytes(b"1\n" + b"x" * (50 << 20) + b"\n2\n")
    found, faults = read(whole(path))
    assert [len(data) for data in b"".join(found).split(b"\n")] == [1, 50 << 20, 1, 0]
    assert faults == []


def test_a_line_without_end_is_left_out(tmp_path: Path) -> None:
    """A line beyond the limit is a fault, and the lines around it are read."""
    path = tmp_path / "a"
    path.write_bytes(b"1\n" + b"x" * 5000 + b"\n2\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", 10)
        patch.setattr(blocks, "LONGEST_LINE", 1000)
        found, faults = read(whole(path))
    assert b"".join(found) == b"1\n2\n"
    assert len(faults) == 1
    assert faults[0].startswith("line longer than")


def test_a_block_of_quoted_rows_ends_outside_of_quotes(tmp_path: Path) -> None:
    """A row whose quoted field holds line breaks is never parted."""
    row = b'1,"a\nb\nc"\n'
    path = tmp_path / "a.csv"
    path.write_bytes(row * 100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", 16)
        found, _ = read(whole(path), reading=Reading(quoted=True))
    assert all(data.count(b'"') % 2 == 0 for data in found)
    assert b"".join(found) == row * 100


def test_a_document_over_several_lines_comes_in_one_block(tmp_path: Path) -> None:
    """A JSON document is never cut; the slices after the first have nothing to add."""
    path = tmp_path / "a.json"
    path.write_bytes(b"[\n" + b' {"a": 1},\n' * 50 + b' {"a": 2}\n]\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", 16)
        found, faults = read(*slices(path, [100, 200], path.stat().st_size), reading=Reading(documents=True))
    assert found == [path.read_bytes()]
    assert faults == []


def test_white_space_is_no_line_and_zero_bytes_are() -> None:
    """Blank lines are not counted; the zero bytes that a crashed disk leaves are a bad line."""
    block = Block("", 0, b"\n \t\r\n1\n\0\0\n", ())
    assert block.filled_lines.tolist() == [2, 3]


def test_one_large_run_at_a_time_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block is handed on before the next one is read, and is as large as the others of its slice."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1000)
    path = tmp_path / "a.jsonl"
    path.write_bytes((b"x" * 9 + b"\n") * 240)
    stream = path.open("rb")
    monkeypatch.setattr(blocks, "open_file", lambda *_: stream)
    sizes = []
    for block in read_blocks([Slice(str(path), "", 0, 0, 2400, whole=False)], lambda *fault: pytest.fail(str(fault))):
        sizes.append(len(block.data))
        assert stream.tell() == sum(sizes)
    assert sizes == [1200, 1200]
