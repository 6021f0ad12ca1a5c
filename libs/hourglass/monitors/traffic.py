"""Whether a variant gets traffic that should not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hourglass.constraints import Evaluation, Verdict

CHECK = "retired_variant_check"


def retired_traffic(retired: Iterable[str], traffic: Mapping[str, int]) -> Iterator[Evaluation]:
    """Holds each retired variant, by its name or as `endpoint/variant`, to no rows at all."""
    for name in retired:
        rows = sum(count for source, count in traffic.items() if name in {source, source.partition("/")[2]})
        share = rows / sum(traffic.values()) if rows else 0.0
        sentence = f"The variant is retired and should get no traffic. Observed: {rows} rows, {share:.2%} of the window's." if rows else ""
        verdict = Verdict.VIOLATION if rows else Verdict.PASS
        yield Evaluation(name, CHECK, "rows of a retired variant", float(rows), 0.0, verdict, sentence)
