"""Medians of paired ratios with intervals that assume nothing about how the figures are distributed."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """The median of n values, and the narrowest two of them that enclose the true median with 95 % or more; with
    fewer than six values no two do, and these are the least and the greatest."""

    median: float
    low: float
    high: float
    coverage: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}-{self.high:.2f}]"


def _coverage(n: int, dropped: int) -> float:
    """That the median lies between the values that remain when `dropped` are taken away at either end."""
    outside = sum(math.comb(n, k) for k in range(dropped + 1))
    return 1 - 2 * outside / 2**n


def interval(values: Sequence[float]) -> Interval:
    ordered = sorted(values)
    n = len(ordered)
    dropped = 0
    while 2 * (dropped + 1) < n and _coverage(n, dropped + 1) >= 0.95:
        dropped += 1
    low, high = ordered[dropped], ordered[n - 1 - dropped]
    return Interval(statistics.median(ordered), low, high, max(0.0, _coverage(n, dropped)))


def ratios(ours: Sequence[float], reference: Sequence[float]) -> Interval:
    return interval([a / b for a, b in zip(ours, reference, strict=True)])
