"""Hashes of ids and of places: the same everywhere, and spread evenly."""

import uuid

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourglass.hashing import hash_ids, hash_numbers, hash_places, hash_texts


def test_hashes_never_change() -> None:
    """Stored states hold hashes, so these values are the same in every release and on every machine."""
    texts = pa.array(["", "a", "eventid1", "0f8fad5b-d9cb-469f-a165-70867728950e", "é" * 20])
    assert hash_texts(texts).tolist() == HASHES["texts"]
    assert hash_numbers(np.array([0.0, 1.0, -2.5])).tolist() == HASHES["numbers"]
    assert hash_ids(texts).tolist() == HASHES["ids"]
    assert hash_places("2026/01/01/00/é.jsonl", 2**33, 2).tolist() == HASHES["places"]


HASHES = {
    "texts": [16294208416658607535, 2845547828044567858, 12353151779016460503, 7300136269224099131, 4721456037277107392],
    "numbers": [16294208416658607535, 9860564707913756141, 16147957956850547208],
    "ids": [6041942189957016473, 15998253565478526754, 15481558187560433810, 18210627190780896985, 17388016741572341259],
    "places": [7334810029450249405, 15698018490175485712],
}


@given(st.lists(st.text(max_size=40), max_size=20), st.data())
def test_an_id_has_the_same_hash_in_any_array(texts: list[str], data: st.DataObject) -> None:
    """Sliced, shuffled, among ids of other lengths or alone."""
    ids = pa.array(texts, pa.string())
    expected = [int(hash_ids(pa.array([text]))[0]) for text in texts]
    assert hash_ids(ids).tolist() == expected
    start = data.draw(st.integers(0, len(texts)))
    assert hash_ids(ids[start:]).tolist() == expected[start:]
    assert len(set(expected)) == len(set(texts))


def test_a_null_has_the_hash_of_the_empty_text() -> None:
    """An array with nulls is hashed without an error; the caller has something better for them."""
    assert hash_ids(pa.array(["a", None])).tolist() == hash_ids(pa.array(["a", ""])).tolist()
    assert len(hash_ids(pa.array([], pa.string()))) == 0


@pytest.mark.parametrize("form", ["{:d}", "{:09d}", "request-{:d}", "abcdefg{:012x}xyz", "{0:08x}-{0:08x}", "uuid"])
def test_ids_that_differ_little_have_unlike_hashes(form: str) -> None:
    """A hundred thousand ids in a row collide nowhere, and every bit of their hashes is set in half of them."""
    n = 100_000
    texts = [str(uuid.UUID(int=i << 64)) if form == "uuid" else form.format(i) for i in range(n)]
    hashes = hash_ids(pa.array(texts))
    assert len(np.unique(hashes)) == n
    bits = np.unpackbits(hashes.view(np.uint8).reshape(n, 8), axis=1).mean(axis=0)
    assert np.abs(bits - 0.5).max() < 6 * 0.5 / np.sqrt(n)


def test_every_character_changes_half_of_the_bits() -> None:
    """One letter of an id, wherever it stands, decides every bit of the hash."""
    random = np.random.default_rng(0)
    for place in range(36):
        ids = random.integers(ord("0"), ord("9"), (2000, 36)).astype(np.uint8)
        changed = ids.copy()
        changed[:, place] += 1
        first, second = (hash_ids(pa.array([row.tobytes().decode() for row in rows])) for rows in (ids, changed))
        flipped = np.unpackbits((first ^ second).view(np.uint8).reshape(-1, 8), axis=1).mean(axis=0)
        assert np.abs(flipped - 0.5).max() < 6 * 0.5 / np.sqrt(2000)


def test_places_are_hashed_however_a_file_is_cut() -> None:
    """The hash of a row without an id depends on its file and its place in it."""
    whole = hash_places("a.parquet", 0, 1000)
    assert np.array_equal(np.concatenate([hash_places("a.parquet", 0, 7), hash_places("a.parquet", 7, 993)]), whole)
    assert len(np.unique(np.concatenate([whole, hash_places("b.parquet", 0, 1000), hash_places("", 0, 1000)]))) == 3000
