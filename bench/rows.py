# SPDX-License-Identifier: BSD-3-Clause
"""Rows of the benchmark's table: figures, ratios of figures, budgets, verdicts."""
import csv
import dataclasses
import statistics

# Fewer fair samples than this share, or this many, and a figure is not given.
FAIR_SHARE, FAIR_LEAST = 1 / 3, 4


@dataclasses.dataclass
class Row:
    """`figure` lies in the middle of `samples`, half of which lie from `low` to `high`."""
    name: str
    figure: float
    unit: str
    low: float
    high: float
    noisy: bool = False
    budget: str = ""          # as the design numbers it, "B1"
    most: float | None = None   # the budget: at most, or at least
    least: float | None = None
    note: str = ""
    left_out: bool = False
    lacks_tool: bool = False  # and root or a package would change that
    rounds: list = dataclasses.field(default_factory=list)  # a figure each, None where not fair

    def spread(self):
        """Half of what half of the samples vary by, in percent of the figure."""
        return 100 * (self.high - self.low) / 2 / self.figure if self.figure else 0.0

    def verdict(self):
        if self.left_out:
            return "left out"
        if self.noisy:
            return "noisy"
        if self.most is None and self.least is None:
            return ""
        within = ((self.most is None or self.figure <= self.most) and
                  (self.least is None or self.figure >= self.least))
        return "ok" if within else "missed"

    def limit(self):
        if self.most is not None:
            return f"{self.budget} <= {self.most:g}"
        if self.least is not None:
            return f"{self.budget} >= {self.least:g}"
        return ""


def left_out(name, why, lacks_tool=False):
    """The row of what cannot be measured here."""
    return Row(name, 0.0, "", 0.0, 0.0, noisy=True, left_out=True, lacks_tool=lacks_tool, note=why)


def from_samples(name, unit, samples, taken=None, **more):
    """A row of what is fair of `taken` samples."""
    kept = sorted(sample for sample in samples if sample is not None)
    taken = taken or len(samples)
    noisy = len(kept) < max(FAIR_LEAST, FAIR_SHARE * taken)
    if not kept:
        return Row(name, 0.0, unit, 0.0, 0.0, True, rounds=list(samples), **more)
    low, figure, high = (statistics.quantiles(kept, n=4, method="inclusive")
                         if len(kept) > 1 else kept * 3)
    return Row(name, figure, unit, low, high, noisy, rounds=list(samples), **more)


def ratio(name, above, below, **more):
    """The row of one row over another, round by round; None if either was not measured."""
    if above is None or below is None:
        return None
    pairs = [a / b if a and b else None for a, b in zip(above.rounds, below.rounds)]
    kept = [pair for pair in pairs if pair is not None]
    row = from_samples(name, "ratio", pairs, **more)
    row.noisy = above.noisy or below.noisy or len(kept) < max(3, FAIR_SHARE * len(pairs))
    return row


def difference(row):
    """The row of a small difference: of use only if it varies by less than it may be."""
    row.noisy = row.noisy or (row.high - row.low) / 2 > row.most
    return row


def number(value):
    """Three digits and what is before the point."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


LEGEND = """spread: half of what half of the samples vary by. noisy: in most samples another process
had the CPU, or the reference loops around them ran more than 5% (core) or 30% (memory) slower than
is usual in this run, or a difference varied by more than it may be. Ratios are made round by
round."""
HEAD = ["what", "figure", "unit", "spread", "budget", "verdict", ""]


def cells(row):
    spread = "" if row.noisy or row.low == row.high else f"{abs(row.spread()):.0f}%"
    return [row.name, "" if row.noisy else number(row.figure), row.unit, spread, row.limit(),
            row.verdict(), row.note]


def without_verdicts(rows):
    """The rows of a run too short for its figures to mean anything."""
    return [dataclasses.replace(row, noisy=row.noisy and not row.figure, budget="", most=None,
                                least=None)
            for row in rows]


def table(rows):
    """Lines of text."""
    lines = [HEAD] + [cells(row) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    right = {1, 3}
    return "\n".join(
        "  ".join(cell.rjust(width) if i in right else cell.ljust(width)
                  for i, (cell, width) in enumerate(zip(line, widths))).rstrip()
        for line in lines)


def write_csv(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "figure", "unit", "low", "high", "spread_percent", "budget",
                         "limit", "verdict", "note"])
        for row in rows:
            figure, low, high, spread = (
                "" if row.noisy else format(value, ".6g")
                for value in (row.figure, row.low, row.high, abs(row.spread())))
            writer.writerow([row.name, figure, row.unit, low, high, spread, row.budget,
                             row.limit().removeprefix(row.budget).strip(), row.verdict(),
                             row.note])
