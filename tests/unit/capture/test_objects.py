"""Objects of a store: what is read ahead, or by one request, is what is there."""

import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass import storage
from hourglass.capture import blocks, objects
from hourglass.capture.blocks import read_blocks
from hourglass.capture.files import list_files
from hourglass.capture.objects import Bucket, ReadAhead, bucket
from hourglass.capture.slices import Slice

DATA = bytes(range(256)) * 20
STEPS = st.one_of(
    st.tuples(st.just("read"), st.integers(0, 3000)),
    st.tuples(st.just("read1"), st.integers(0, 3000)),
    st.tuples(st.just("readline"), st.integers(0, 300)),
    st.tuples(st.just("seek"), st.integers(0, 2 * len(DATA))),
)


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEPS, max_size=12), end=st.integers(0, 2 * len(DATA)), first=st.integers(1, 400), chunk=st.integers(1, 2000))
def test_reading_ahead_gives_what_is_there(steps: list[tuple[str, int]], end: int, first: int, chunk: int) -> None:
    """However it is read and wherever one goes in it, up to the stated end and beyond."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "_FIRST_BYTES", first)
        patch.setattr(objects, "_CHUNK_BYTES", chunk)
        with io.BufferedReader(ReadAhead(pa.BufferReader(DATA), end), 64) as stream:
            at = 0
            for step, number in steps:
                if step == "seek":
                    at = stream.seek(number)
                    continue
                found = getattr(stream, step)(number)
                expected = io.BytesIO(DATA[at : at + number])
                if step == "read1":
                    assert found == expected.read(len(found))
                    assert found or not number or at >= len(DATA)
                else:
                    assert found == (expected.readline() if step == "readline" else expected.read())
                at += len(found)
            assert stream.tell() == at


@pytest.fixture
def stored(s3_path: str) -> str:
    """A prefix with some objects, one with an odd name."""
    storage.write_files(s3_path, {f"{number:03}.jsonl": b"%d\n" % number for number in range(150)} | {"a b+ü=(1).jsonl": b"odd\n"})
    return s3_path


def test_a_small_object_is_read_by_one_request(stored: str) -> None:
    """Whatever its name is; a missing one is left to Arrow, whose error says so."""
    name, _, prefix = stored.removeprefix("s3://").partition("/")
    assert bucket(name).read(f"{prefix}/007.jsonl") == b"7\n"
    assert bucket(name).read(f"{prefix}/a b+ü=(1).jsonl") == b"odd\n"
    assert bucket(name).read(f"{prefix}/none") is None
    assert bucket(name).read(f"{prefix}/008.jsonl") == b"8\n"


def test_many_small_objects_are_read_in_order(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first by Arrow, the others with one request each; one that is gone is one fault."""
    monkeypatch.setattr(blocks, "_MANY", 10)
    asked: list[str] = []
    read = Bucket.read
    monkeypatch.setattr(Bucket, "read", lambda self, key: asked.append(key) or read(self, key))  # type: ignore[func-returns-value]
    slices = [Slice(file.path, "", 0, 0, file.size, whole=True) for file in list_files(stored, None).files]
    slices.insert(100, Slice(f"{stored}/none.jsonl", "", 0, 0, 5, whole=True))
    faults: list[str] = []
    data = b"".join(block.data for block in read_blocks(slices, lambda piece, _: faults.append(piece.path)))
    assert data == b"".join(b"%d\n" % number for number in range(150)) + b"odd\n"
    assert faults == [f"{stored}/none.jsonl"]
    assert len(asked) == len(slices) - 11


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/bucket", "http://no-such-host.invalid/bucket"])
def test_what_does_not_answer_is_left_to_arrow(url: str) -> None:
    """A store that is reached in some other way is no error here."""
    from botocore.credentials import Credentials

    assert Bucket(url, "us-east-1", Credentials("a", "b")).read("key") is None
    assert Bucket(url, "us-east-1", None).read("key") is None


def test_a_refusal_is_the_last_one(stored: str) -> None:
    """Where the signature is not taken, no other request is wasted."""
    from botocore.credentials import Credentials

    name, _, prefix = stored.removeprefix("s3://").partition("/")
    wrong = Bucket(bucket(name)._url, "us-east-1", Credentials("a", "b"))
    assert wrong.read(f"{prefix}/007.jsonl") is None
    assert not wrong._usable


def test_a_large_object_is_read_in_slices(s3_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines over the seams of chunks, blocks and slices come out once."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr(objects, "_CHUNK_BYTES", 10_007)
    lines = b"".join(b"%d %s\n" % (number, b"x" * (number % 97)) for number in range(20_000))
    storage.write_files(s3_path, {"a.jsonl": lines})
    path, size = f"{s3_path}/a.jsonl", len(lines)
    slices = [Slice(path, "", 0, start, start + size // 4, whole=False) for start in range(0, size, size // 4)]
    data = b"".join(block.data for block in read_blocks(slices, lambda *fault: pytest.fail(str(fault))))
    assert data == lines
