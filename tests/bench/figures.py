"""What the bench reports: figures, each with its target and the raw limit of the machine beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

Series = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `raw` is what the machine gives without us, measured in the same rounds.

    `target` is a bound from above unless `is_floor`; None where nothing was promised.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    is_floor: bool = False
    raw: float | None = None
    raw_name: str = ""

    @property
    def is_met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value >= self.target if self.is_floor else self.value <= self.target


def interleave(rounds: int, contestants: Mapping[str, Callable[[], float]]) -> Series:
    """Every contestant once a round, in turn, so that a slow minute of the machine hits all of them alike."""
    series: Series = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, measure in contestants.items():
            series[name].append(measure())
    return series


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def medians(series: Series) -> dict[str, float]:
    return {name: median(values) for name, values in series.items()}


def render_table(figures: Sequence[Figure]) -> str:
    """A Markdown table, aligned so that it reads in a terminal too."""
    rows = [("measured", "value", "target", "", "raw limit")]
    rows += [
        (figure.name, f"{figure.value:,.4g} {figure.unit}", _target(figure), _mark(figure), _raw(figure))
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def render_values(figures: Sequence[Figure]) -> list[dict[str, object]]:
    """The same for scripts."""
    return [asdict(figure) | {"is_met": figure.is_met} for figure in figures]


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    return f"{'≥' if figure.is_floor else '≤'} {figure.target:,.4g} {figure.unit}"


def _mark(figure: Figure) -> str:
    return {True: "met", False: "MISSED", None: ""}[figure.is_met]


def _raw(figure: Figure) -> str:
    return "" if figure.raw is None else f"{figure.raw:,.4g} {figure.unit} ({figure.raw_name})"
