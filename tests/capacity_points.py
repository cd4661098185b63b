"""Measurements as a good run has them; a test spoils one thing."""

from __future__ import annotations

from calligram.capacity.sweep import Closed, Latencies, Opened, Round, Sweep

PLACES = (1, 2, 3, 4, 6, 8)
PACE = 0.005


def taken(seconds, count=800):
    """As many requests that took `seconds` each."""
    return Latencies(count, *[seconds] * 6)


def good_round(places=4, **changed):
    rate = min(places, 2) / PACE
    told = {
        "requests": round(2 * rate), "seconds": 2.0, "requests_per_second": rate, "failed": 0,
        "seconds_mean": places / rate, "generator_share": 0.05, "servers_share": 1.7,
        "servers_seconds": 0.004,
    }  # fmt: skip
    return Round(**{**told, **changed})


def good_closed(places=4, rounds=None):
    seen = taken(good_round(places).seconds_mean)
    rounds = rounds or [
        good_round(places, requests_per_second=good_round(places).requests_per_second * factor)
        for factor in (1.0, 0.98, 1.02, 0.99, 1.01)
    ]
    return Closed(places, tuple(rounds), seen, seen)


def good_opened(rate=200.0, **changed):
    found = taken(0.006)
    told = {
        "rate": rate, "seconds": 8.0, "requests": round(8 * rate), "failed": 0, "turned_away": 0,
        "answered_per_second": rate, "in_flight_mean": rate * found.mean, "late_p99": 0.001,
        "generator_share": 0.1, "servers_share": 0.8, "servers_seconds": 0.004,
        "uncorrected": found, "corrected": found,
    }  # fmt: skip
    return Opened(**{**told, **changed})


def good_sweep(**changed):
    told = {
        "url": "http://127.0.0.1:8080", "taken": "2026-11-24T10:00:00+00:00", "kind": "draw=1",
        "cores": 2, "seed": 1, "corpus": "seeded", "corpus_bytes_mean": 200_000.0,
        "closed": tuple(good_closed(places) for places in PLACES),
        "opened": tuple(good_opened(rate) for rate in (100.0, 200.0, 300.0)),
    }  # fmt: skip
    return Sweep(**{**told, **changed})
