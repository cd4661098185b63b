"""
A day of a whole fleet, simulated: traffic by the hour, a CDN, servers, a crash, an outage.

    requests by chance  ->  edges of the CDN (LRU)  ->  hits
                                                    ->  misses, uploads, draws  ->  servers
    servers: each a queue as measured; more than they can do waits, more than may wait is refused
    store away: uploads go to the spools and stay there; misses have nothing to be drawn from

Time goes in steps of ten seconds, and a step counts its requests instead of following each: a
billion a day costs no more than a thousand. The same seed gives the same day. What is simulated
was measured before (the servers' queue) or is known in closed form (the caches), and
bench/simulation holds the whole against real processes at a small scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calligram.capacity.laws import Numbers
from calligram.capacity.popularity import Catalogue
from calligram.capacity.queueing import Server
from calligram.capacity.traffic import Traffic

DAY_SECONDS = 86_400
STEP_SECONDS = 10
PEAK_AT = 20 / 24
WAITING_EACH = 32
"""Requests that one server lets wait: CALLIGRAM_WAITING_MAX."""

USE_MAX = 0.99
WARM_DAYS = 7
"""For how long the CDN has been filling when the day begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong, in seconds of the day. By default a bad evening: both, at the peak."""

    crash_at: float = PEAK_AT * DAY_SECONDS
    crash_seconds: float = 300.0
    crashed: int = 1
    outage_at: float = PEAK_AT * DAY_SECONDS - 3600
    outage_seconds: float = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What happened, step by step, and in all. Seconds are those of answers by the servers."""

    requests: Numbers
    reached: Numbers  # the servers, in draws
    use: Numbers
    p99_seconds: Numbers
    spooled_bytes: Numbers
    requests_total: float
    cdn_hit_share: float
    refused: float
    unanswered: float
    lost_in_flight: float
    p99_seconds_day: float
    spooled_bytes_max: float
    spool_full: bool
    drained_seconds: float  # after the outage's end


@dataclass
class State:
    """What one step leaves to the next."""

    waiting: float = 0.0
    spooled: float = 0.0
    seen: float = 0.0  # requests for permanent addresses, at each edge
    hits: float = 0.0
    gets: float = 0.0
    refused: float = 0.0
    unanswered: float = 0.0
    lost: float = 0.0
    full: bool = False


def curve(peak_factor: float) -> Numbers:
    """The day's traffic by step, on average 1 and at most `peak_factor`: one hill, smooth."""
    steps = DAY_SECONDS // STEP_SECONDS
    angle = 2 * math.pi * (np.arange(steps) / steps - PEAK_AT)
    low, high = 0.0, 500.0
    for _ in range(60):
        middle = (low + high) / 2
        shape = np.exp(middle * (np.cos(angle) - 1))
        low, high = (middle, high) if shape.max() / shape.mean() < peak_factor else (low, middle)
    shape = np.exp(high * (np.cos(angle) - 1))
    return np.asarray(shape / shape.mean())


def simulate(
    traffic: Traffic, server: Server, *, servers: int, seed: int, faults: Faults | None = None
) -> Day:
    """One day of `servers` servers under `traffic`, with what goes wrong."""
    faults = faults or Faults(outage_seconds=60 * float(traffic.outage_minutes))
    random = np.random.default_rng(seed)
    catalogue = Catalogue.zipf(int(traffic.pictures), float(traffic.zipf_exponent))
    window = catalogue.window(float(traffic.edge_bytes / traffic.art_bytes))
    mean = float(traffic.requests_per_day) / DAY_SECONDS * STEP_SECONDS
    slow = SlowTable(server)
    state = State(seen=WARM_DAYS * DAY_SECONDS / STEP_SECONDS * mean / float(traffic.edges))
    rows = []
    for number, factor in enumerate(curve(float(traffic.peak_factor))):
        at = number * STEP_SECONDS
        crash = faults.crash_at <= at < faults.crash_at + faults.crash_seconds
        begins = crash and at - STEP_SECONDS < faults.crash_at
        alive = max(1, servers - (faults.crashed if crash else 0))
        away = faults.outage_at <= at < faults.outage_at + faults.outage_seconds
        requests = float(random.poisson(mean * factor))
        work = arrivals(traffic, state, requests, catalogue, window, away=away)
        if begins:
            # What the crashed ones had at work; safe requests are asked once more elsewhere.
            lost = work / STEP_SECONDS * slow.mean(work / servers / STEP_SECONDS)
            state.lost += lost * min(faults.crashed, servers) / servers
            work += lost * min(faults.crashed, servers) / servers
        use, seconds = serve(state, server, slow, alive, work)
        spool(traffic, state, requests, alive, away=away)
        rows.append((requests, work / STEP_SECONDS, use, seconds, state.spooled))
    return day_of(np.array(rows), state, faults)


def arrivals(
    traffic: Traffic,
    state: State,
    requests: float,
    catalogue: Catalogue,
    window: float,
    *,
    away: bool,
) -> float:
    """What of a step's requests reaches the servers, in draws."""
    gets = requests * float(traffic.get_share)
    each = gets / float(traffic.edges)
    share = catalogue.hit_share(min(window, state.seen + each / 2)) if each else 0.0
    state.seen += each
    state.gets += gets
    # A new picture is in no cache yet, and is looked at at least once: by whoever sent it.
    fresh = min(gets, requests * float(traffic.upload_share * (1 - traffic.known_share)))
    misses = fresh + (gets - fresh) * (1 - share)
    state.hits += gets - misses
    if away:
        # Their pictures can't be read: nothing is drawn, and the CDN has no old answer either.
        state.unanswered += misses
        misses = 0.0
    sent = requests * float(traffic.draw_share + traffic.upload_share * traffic.upload_draws)
    return float(traffic.draw_work) * (sent + misses * float(traffic.miss_draws))


def serve(
    state: State, server: Server, slow: SlowTable, alive: int, work: float
) -> tuple[float, float]:
    """Do what can be done of a step's work; the share of capacity used, and its p99."""
    capacity = alive * server.most * STEP_SECONDS
    before = state.waiting
    left = max(0.0, before + work - capacity)
    state.waiting = min(left, float(alive * WAITING_EACH))
    state.refused += left - state.waiting
    use = min(1.0, (before + work) / capacity)
    queue = (before + state.waiting) / 2 / (alive * server.most)
    return use, slow.p99(work / alive / STEP_SECONDS) + queue


def spool(traffic: Traffic, state: State, requests: float, alive: int, *, away: bool) -> None:
    """Uploads go to the spool and from there to the store, unless it is away."""
    uploads = requests * float(traffic.upload_share * (1 - traffic.known_share))
    state.spooled += uploads * float(traffic.picture_bytes)
    if not away:
        moved = alive * float(traffic.mover_bytes_per_second) * STEP_SECONDS
        state.spooled = max(0.0, state.spooled - moved)
    limit = alive * float(traffic.spool_bytes_per_server)
    if state.spooled > limit:
        state.full = True
        state.refused += (state.spooled - limit) / float(traffic.picture_bytes)
        state.spooled = limit


class SlowTable:
    """Mean and p99 of one server by rate, looked up: computing each step anew would take hours."""

    def __init__(self, server: Server) -> None:
        self.rates = np.linspace(0.01, USE_MAX, 200) * server.most
        self.p99s = np.array([server.seconds_at(float(rate), 0.99) for rate in self.rates])
        self.means = np.array([server.seconds_mean(float(rate)) for rate in self.rates])

    def p99(self, rate: float) -> float:
        return float(np.interp(rate, self.rates, self.p99s))

    def mean(self, rate: float) -> float:
        return float(np.interp(rate, self.rates, self.means))


def day_of(rows: Numbers, state: State, faults: Faults) -> Day:
    requests, reached, use, seconds, spooled = rows.T
    order = np.argsort(seconds)
    below = np.cumsum(reached[order])
    worst = order[min(len(order) - 1, int(np.searchsorted(below, 0.99 * below[-1])))]
    end = int((faults.outage_at + faults.outage_seconds) / STEP_SECONDS)
    empty = np.flatnonzero(spooled[end:] <= 0)
    return Day(
        requests=requests / STEP_SECONDS,
        reached=reached,
        use=use,
        p99_seconds=seconds,
        spooled_bytes=spooled,
        requests_total=float(requests.sum()),
        cdn_hit_share=state.hits / state.gets if state.gets else math.nan,
        refused=state.refused,
        unanswered=state.unanswered,
        lost_in_flight=state.lost,
        # Of the steps' p99s that which 99 of 100 requests stay within: an upper bound.
        p99_seconds_day=float(seconds[worst]),
        spooled_bytes_max=float(spooled.max()),
        spool_full=state.full,
        drained_seconds=float((empty[0] + 1) * STEP_SECONDS) if len(empty) else math.inf,
    )
