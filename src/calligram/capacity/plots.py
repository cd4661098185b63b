"""
What was measured and planned, as pictures: SVG, PNG or PDF by the file's name.

Dots are measurements, lines are laws, bands are what may be expected of the next measurement. The
same data give the same file, so that a plot in a document can be checked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from calligram.capacity.cost import Bill
from calligram.capacity.fits import Fit
from calligram.capacity.fleet import Day
from calligram.capacity.levers import Saving
from calligram.capacity.planning import Plan
from calligram.capacity.sheets import PARTS
from calligram.capacity.sweep import Sweep

INK, GREY, LIGHT = "#22262b", "#8a9099", "#dfe3e8"
BLUE, ORANGE, GREEN, RED = "#2f6fb3", "#d9822b", "#3d8f5f", "#c2453e"
# Dark to light within one part's kind, and apart for those with little colour sight.
PART_COLOURS = ("#2f6fb3", "#7fb2dd", "#3d8f5f", "#d9822b", "#f0c287", "#8b6bb1")
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LIGHT,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "calligram",
    "svg.fonttype": "path",
}


def sweep_plot(sweep: Sweep, fit: Fit | None, file: Path) -> None:
    """Throughput, latencies of both loops, and CPU."""
    with rc_context(STYLE):
        figure = Figure(figsize=(10, 7.2), layout="constrained")
        axes = figure.subplots(2, 2)
        throughput(axes[0, 0], sweep, fit)
        closed_latencies(axes[0, 1], sweep)
        open_latencies(axes[1, 0], sweep)
        shares(axes[1, 1], sweep)
        figure.suptitle(f"{sweep.url}  {sweep.kind}  {sweep.taken[:10]}", x=0.01, ha="left")
        save(figure, file)


def throughput(axes: Axes, sweep: Sweep, fit: Fit | None) -> None:
    axes.set_title("Throughput, closed loop")
    if not sweep.closed:
        return nothing(axes)
    for number, point in enumerate(sweep.closed):
        rates = [one.requests_per_second for one in point.rounds]
        # A label that begins with _ is left out of the legend: one of them is enough.
        label = "_more" if number else "one round"
        axes.plot([point.places] * len(rates), rates, ".", color=GREY, ms=5, alpha=0.7, label=label)
    places = [point.places for point in sweep.closed]
    medians = [point.requests_per_second for point in sweep.closed]
    axes.plot(places, medians, "o", color=BLUE, ms=6, label="median")
    if fit:
        smooth = np.linspace(1, max(places), 200)
        axes.plot(smooth, fit.best.throughput(smooth), color=ORANGE, label=f"law: {fit.best.law}")
        low, high = fit.band(smooth)
        axes.fill_between(
            smooth, low, high, color=ORANGE, alpha=0.18, lw=0, label="90% of the next"
        )
    axes.set(xlabel="concurrency", ylabel="answers a second", ylim=(0, None), xlim=(0, None))
    axes.legend(loc="lower right")
    return None


def closed_latencies(axes: Axes, sweep: Sweep) -> None:
    axes.set_title("Latency, closed loop: as ab saw it, and corrected")
    if not sweep.closed:
        return nothing(axes)
    places = [point.places for point in sweep.closed]
    for name, colour in (("p50", BLUE), ("p99", RED)):
        seen = [1000 * getattr(point.uncorrected, name) for point in sweep.closed]
        fair = [1000 * getattr(point.corrected, name) for point in sweep.closed]
        axes.plot(places, fair, "o-", color=colour, ms=4, label=f"{name} corrected")
        axes.plot(places, seen, "o--", color=colour, ms=4, mfc="white", label=f"{name} as ab saw")
    axes.set(xlabel="concurrency", ylabel="ms", xlim=(0, None))
    logarithmic(axes)
    axes.legend(ncols=2)
    return None


def open_latencies(axes: Axes, sweep: Sweep) -> None:
    axes.set_title("Latency, open loop: from when a request was due")
    if not sweep.opened:
        return nothing(axes)
    rates = [row.rate for row in sweep.opened]
    for name, colour, words in (
        ("p50", BLUE, "p50"), ("p90", GREEN, "p90"), ("p99", RED, "p99"), ("p999", GREY, "p99.9")
    ):  # fmt: skip
        values = [1000 * getattr(row.corrected, name) for row in sweep.opened]
        axes.plot(rates, values, "o-", color=colour, ms=4, label=words)
    beyond = [row.rate for row in sweep.opened if not row.kept_up]
    if beyond:
        axes.axvspan(min(beyond) * 0.985, min(beyond) * 1.015, color=RED, alpha=0.12, lw=0)
        axes.text(
            min(beyond), 0.98, "beyond its capacity ", transform=axes.get_xaxis_transform(),
            ha="right", va="top", color=RED, fontsize=8,
        )  # fmt: skip
    axes.set(xlabel="requests due a second", ylabel="ms", xlim=(0, None))
    logarithmic(axes)
    axes.legend(loc="upper left")
    return None


def shares(axes: Axes, sweep: Sweep) -> None:
    axes.set_title("CPU: who used the cores")
    if not sweep.closed or math.isnan(sweep.closed[0].servers_share):
        return nothing(axes, "the servers' processes are not on this machine")
    places = [point.places for point in sweep.closed]
    for name, colour, words in (
        ("servers_share", BLUE, "servers"),
        ("generator_share", ORANGE, "ab"),
    ):
        values = [getattr(point, name) for point in sweep.closed]
        axes.plot(places, values, "o-", color=colour, ms=4, label=words)
    axes.axhline(sweep.cores, color=GREY, lw=1, ls=":")
    axes.text(max(places), sweep.cores, f"all {sweep.cores} cores ", ha="right", va="bottom",
              fontsize=8, color=GREY)  # fmt: skip
    axes.set(xlabel="concurrency", ylabel="cores", xlim=(0, None), ylim=(0, sweep.cores * 1.12))
    beside = axes.twinx()
    beside.grid(visible=False)
    beside.spines["right"].set_visible(True)
    work = [1000 * point.servers_seconds for point in sweep.closed]
    beside.plot(places, work, "s--", color=GREEN, ms=4, label="CPU ms a request")
    beside.set(ylim=(0, max(work) * 1.3), ylabel="ms")
    lines = [*axes.get_lines()[:2], *beside.get_lines()]
    axes.legend(lines, [str(line.get_label()) for line in lines], loc="center right")
    return None


def plan_plot(plan: Plan, day: Day | None, file: Path) -> None:
    """The bills by part, the levers, and the simulated day if there is one."""
    with rc_context(STYLE):
        figure = Figure(figsize=(10, 7.2 if day else 3.9), layout="constrained")
        axes = np.atleast_2d(figure.subplots(2 if day else 1, 2))
        cost_by_part(axes[0, 0], plan.bills, plan.sheet.currency)
        levers(axes[0, 1], plan.savings, plan.sheet.currency)
        if day:
            reached(axes[1, 0], day)
            waited(axes[1, 1], day, goal=float(plan.traffic.p99_seconds))
        figure.suptitle(
            f"{plan.sheet.provider}, prices of {plan.sheet.dated}, {plan.servers} servers at first",
            x=0.01, ha="left",
        )  # fmt: skip
        save(figure, file)


def cost_by_part(axes: Axes, bills: Sequence[Bill], currency: str) -> None:
    months = [bill.month for bill in bills]
    by_part = [[float(bill.parts[part]) for bill in bills] for part in PARTS]
    axes.stackplot(months, by_part, labels=PARTS, colors=PART_COLOURS, lw=0)
    axes.set_title("Cost a month, by part")
    axes.set(xlabel="month", ylabel=currency, xlim=(1, max(2, months[-1])), ylim=(0, None))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    handles, words = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], words[::-1], loc="upper left")


def levers(axes: Axes, savings: Sequence[Saving], currency: str) -> None:
    axes.set_title("What each lever alone would save")
    if not savings:
        return nothing(axes)
    rows = list(reversed(savings))
    values = [float(one.saved) for one in rows]
    axes.barh([fill(one.words, 24) for one in rows], values, color=GREEN, height=0.6)
    for place, (value, one) in enumerate(zip(values, rows, strict=True)):
        axes.text(max(value, 0), place, f"  {one.share:.0%}", va="center", fontsize=8)
    axes.grid(visible=False, axis="y")
    axes.set(xlabel=f"{currency} over all months", xlim=(min(0, *values), max(*values, 1) * 1.15))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.locator_params(axis="x", nbins=4)
    return None


HOURS = np.arange(0, 24, 0.1)


def worst(values: Any) -> Any:
    """The highest of each six minutes: a day's steps are more than a plot can show."""
    return values.reshape(len(HOURS), -1).max(axis=1)


def reached(axes: Axes, day: Day) -> None:
    axes.set_title("A simulated day: requests, and what reaches the servers")
    axes.plot(HOURS, worst(day.requests), color=GREY, lw=1, label="requests a second")
    axes.plot(HOURS, worst(day.reached), color=BLUE, lw=1, label="draws a second, at the servers")
    axes.set(xlabel="hour", xlim=(0, 24), xticks=range(0, 25, 4))
    logarithmic(axes)
    axes.legend(loc="upper left")


def waited(axes: Axes, day: Day, *, goal: float) -> None:
    axes.set_title("Its crash and its outage")
    axes.plot(HOURS, 1000 * worst(day.p99_seconds), color=RED, lw=1, label="p99 ms")
    axes.axhline(1000 * goal, color=RED, lw=1, ls=":", label="goal")
    axes.set(xlabel="hour", ylabel="ms", xlim=(0, 24), xticks=range(0, 25, 4))
    axes.set_ylim(0, 1.3 * 1000 * max(goal, float(day.p99_seconds.max())))
    beside = axes.twinx()
    beside.grid(visible=False)
    beside.spines["right"].set_visible(True)
    beside.fill_between(HOURS, worst(day.spooled_bytes) / 1e9, color=ORANGE, alpha=0.4, lw=0,
                        label="in the spools, GB")  # fmt: skip
    beside.set(ylabel="GB", ylim=(0, max(1e-9, 1.3 * day.spooled_bytes_max / 1e9)))
    handles = [*axes.get_legend_handles_labels()[0], *beside.get_legend_handles_labels()[0]]
    axes.legend(handles, [str(one.get_label()) for one in handles], loc="upper left")


def logarithmic(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def nothing(axes: Axes, words: str = "not measured") -> None:
    axes.text(0.5, 0.5, words, ha="center", va="center", color=GREY, transform=axes.transAxes)
    axes.set(xticks=[], yticks=[])


def save(figure: Figure, file: Path) -> None:
    dated: dict[str, Any] = {"Date": None} if file.suffix == ".svg" else {}
    if file.suffix == ".pdf":
        dated = {"CreationDate": None}
    figure.savefig(file, dpi=130, metadata=dated)
