"""Vectorised 64-bit hashes, the same on every machine and in every release: stored states depend on them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_PRIME = np.uint64(0x100000001B3)


def mix(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014): every input bit changes every output bit with probability ½."""
    z = words + _GOLDEN
    z ^= z >> np.uint64(30)
    z *= _MIX_1
    z ^= z >> np.uint64(27)
    z *= _MIX_2
    z ^= z >> np.uint64(31)
    return z


def hash_numbers(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Hashes doubles by their bits; give -0.0 as 0.0 if they are to be one."""
    return mix(numbers.view(np.uint64))


def hash_texts(texts: pa.StringArray) -> npt.NDArray[np.uint64]:
    """Hashes strings by their UTF-8 bytes: a polynomial over the bytes, then `mix`; about 5 ns a byte.

    >>> bool(hash_texts(pa.array(["ab"]))[0] == hash_texts(pa.array(["xx", "ab"]))[1])
    True
    """
    if len(texts) == 0:
        return np.empty(0, np.uint64)
    offsets = np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1, texts.offset * 4).astype(np.int64)
    lengths = np.diff(offsets)
    data = texts.buffers()[2]
    text = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]] if data is not None else np.empty(0, np.uint8)
    with np.errstate(over="ignore"):
        powers = np.cumprod(np.full(int(lengths.max()) + 1, _PRIME))
        position = np.arange(len(text)) - np.repeat(offsets[:-1] - offsets[0], lengths)
        terms = (text.astype(np.uint64) + np.uint64(1)) * powers[position]
        sums = np.zeros(len(texts), np.uint64)
        filled = lengths > 0
        sums[filled] = np.add.reduceat(terms, (offsets[:-1] - offsets[0])[filled]) if filled.any() else 0
        return mix(sums + lengths.astype(np.uint64))


_BLOCK = 16384  # ids hashed at a time: what a step leaves is still in the cache when the next one reads it


def hash_ids(ids: pa.StringArray) -> npt.NDArray[np.uint64]:
    """Hashes ids by their UTF-8 bytes, eight at a time; 14 ns a UUID, a tenth of `hash_texts`.

    The same text has the same hash in whatever array it stands. Texts of another length are hashed in another run, so
    it pays where most ids are of one length, as UUIDs are. A null has the hash of the empty text: give rows without an
    id to `hash_places`.

    >>> bool(hash_ids(pa.array(["b7-01", "a"]))[1] == hash_ids(pa.array(["a"]))[0])
    True
    """
    ids = ids.fill_null("") if ids.null_count else ids
    if len(ids) == 0:
        return np.empty(0, np.uint64)
    offsets = np.frombuffer(ids.buffers()[1], np.int32, len(ids) + 1, ids.offset * 4)
    lengths = np.diff(offsets)
    if (lengths == lengths[0]).all():
        text = np.frombuffer(ids.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
        return _hash_equally_long(text.reshape(len(ids), lengths[0]))
    hashes = np.empty(len(ids), np.uint64)
    order = np.argsort(lengths, kind="stable")
    for places in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
        hashes[places] = hash_ids(ids.take(pa.array(places)))
    return hashes


def hash_places(path: str, first: int, count: int) -> npt.NDArray[np.uint64]:
    """Hashes of rows that have no id, by where they stand: the file's path and the row's place in it, from `first` on.

    A row has the same hash however its file is cut. Lone surrogates, as in paths that are no UTF-8, count as they are.

    >>> bool(hash_places("a.jsonl", 0, 9)[5] == hash_places("a.jsonl", 5, 1)[0])
    True
    """
    text = np.frombuffer(path.encode("utf-8", "surrogatepass"), np.uint8)
    return mix(mix(np.arange(first, first + count, dtype=np.uint64)) ^ _hash_equally_long(text.reshape(1, len(text))))


def _hash_equally_long(texts: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Hashes the rows of a table of bytes: the words of each, one after the other, and two turns more.

    A turn loses nothing, so texts that differ in one word never have the same hash. It shifts before it multiplies: a
    difference in a word's last byte, as counters have, is spread over five bytes before the next word could undo it.
    """
    count, length = texts.shape
    hashes = np.full(count, (length + 1) * int(_GOLDEN) % 2**64, np.uint64)
    scratch = np.empty(min(count, _BLOCK), np.uint64)  # one for all turns: a new array at each is a third slower
    for start in range(0, count, _BLOCK):
        block = hashes[start : start + _BLOCK]
        shifted = scratch[: len(block)]
        for number, word in enumerate(_words(texts[start : start + _BLOCK])):
            if number:
                _turn(block, shifted)
            block ^= word
        _turn(block, shifted)
        _turn(block, shifted)
        block ^= np.right_shift(block, np.uint64(32), out=shifted)
    return hashes


def _turn(state: npt.NDArray[np.uint64], scratch: npt.NDArray[np.uint64]) -> None:
    state ^= np.right_shift(state, np.uint64(32), out=scratch)
    state *= _MIX_1


def _words(texts: npt.NDArray[np.uint8]) -> Iterator[npt.NDArray[np.uint64]]:
    """Words of eight bytes, little-endian, the last filled up with zeros, each for all rows at once."""
    count, length = texts.shape
    if 0 < length < 8:
        texts, length = np.pad(texts, ((0, 0), (0, 8 - length))), 8
    for place in range(0, length - 7, 8):
        yield np.ndarray((count,), "<u8", texts, place, (length,))
    if rest := length % 8:  # the last eight bytes, less those of the word before
        yield np.ndarray((count,), "<u8", texts, length - 8, (length,)) >> np.uint64(64 - 8 * rest)
