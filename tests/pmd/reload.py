#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Generations that change under traffic: reload.py DATAPLANE MAKE_STATE"""
import math
import sys
import time

from dataplane import Daemon, main, until
from lifecycle import DROP, PASS, damage, runs, segment, start


def enforces(run, generation):
    until(lambda: run.board()[0] == generation, f"generation {generation}")


def limited(admit="100%", pps=1):
    """One source sends all there is; its bucket holds five packets."""
    return {**PASS, "rules": [{"name": "only", "admit": admit,
                               "limit": {"source": {"pps": pps, "burst": 5},
                                         "rule": {"pps": pps, "burst": 5}}}]}


def live_change(place):
    place.publish(PASS)
    daemon = Daemon(place)
    run = runs(start(place))
    run.has_said("filtering by generation 1")
    daemon.publish(DROP, 2)
    enforces(run, 2)
    runs(run).stop()
    verdicts = run.totals["verdicts"]
    assert verdicts["pass"]["packets"] and verdicts["drop"]["packets"]
    assert run.totals["unsent"]["packets"] == 0
    run.has_said("stopped at generation 2")


def many_changes(place):
    """Nothing is lost, and every generation shares what did not change."""
    place.publish(limited())
    daemon = Daemon(place)
    run = runs(start(place))
    for generation in range(2, 22):
        daemon.publish(limited(admit=f"{generation}%"), generation)
        enforces(run, generation)
    run.stop()
    assert run.totals["unsent"]["packets"] == 0


def reload_refills_no_bucket(place):
    began = time.monotonic()
    place.publish(limited())
    daemon = Daemon(place)
    run = runs(start(place))
    for generation in range(2, 22):
        daemon.publish({**limited(), "name": f"p{generation}"}, generation)
        enforces(run, generation)
        runs(run)
    run.stop()
    most = 5 + math.ceil(time.monotonic() - began)
    admitted = run.totals["reasons"]["admitted"]["packets"]
    assert 5 <= admitted <= most, (admitted, most)


def refused_change(place):
    place.publish(PASS)
    daemon = Daemon(place)
    run = runs(start(place))
    place.publish(DROP, "wanted", 2)
    for file in (place.state / "segments").glob("rules-*"):
        damage(file, 400)
    daemon.want(2)
    until(lambda: run.board()[1] == 2, "a refusal")
    assert run.board()[0] == 1 and "rules" in run.board()[2], run.board()
    for file in (place.state / "segments").glob("rules-*"):
        damage(file, 400)
    daemon.publish(DROP, 3)
    enforces(run, 3)
    run.stop()


def older_is_refused(place):
    place.publish(DROP, generation=7)
    daemon = Daemon(place)
    run = runs(start(place))
    daemon.publish(PASS, 6)
    until(lambda: run.board()[1] == 6, "a refusal")
    assert run.board()[0] == 7 and run.board()[2] == "it is older than the running one, 7"
    run.stop()
    assert run.totals["verdicts"]["pass"]["packets"] == 0


def manifest_behind_the_board(place):
    place.publish(DROP)
    daemon = Daemon(place)
    run = runs(start(place))
    daemon.publish(PASS, 2)
    enforces(run, 2)
    daemon.want(3)
    until(lambda: run.board()[1] == 3, "a refusal")
    assert run.board()[2] == "the manifest on disk is still of generation 2", run.board()
    run.stop()


def daemon_comes_and_goes(place):
    run = runs(start(place))
    run.has_said("NO USABLE IMAGE")
    daemon = Daemon(place)
    daemon.publish(DROP, 1)
    enforces(run, 1)
    daemon.die()
    runs(run)
    daemon.path.unlink()
    daemon = Daemon(place)
    daemon.publish(PASS, 2)
    enforces(run, 2)
    run.stop()


def daemon_agrees(place):
    """It comes back to find its last generation enforced, and need not ask for it."""
    place.publish(DROP)
    run = runs(start(place))
    assert run.from_disk()
    daemon = Daemon(place)
    daemon.write(1)
    until(lambda: not run.from_disk(), "agreement")
    run.stop()


def dead_daemon_asks_for_nothing(place):
    """It died between publishing a generation and making it the last good one."""
    place.publish(DROP)
    daemon = Daemon(place)
    daemon.publish(PASS, 2)
    daemon.die()
    run = runs(start(place)).stop()
    assert run.totals["generation"] == 1 and run.totals["verdicts"]["pass"]["packets"] == 0


def newer_is_wanted_at_the_start(place):
    place.publish(DROP)
    daemon = Daemon(place)
    daemon.publish(PASS, 2)
    run = runs(start(place))
    enforces(run, 2)
    run.stop()


if __name__ == "__main__":
    sys.exit(main([live_change, many_changes, reload_refills_no_bucket, refused_change,
                   older_is_refused, manifest_behind_the_board, daemon_comes_and_goes,
                   daemon_agrees, dead_daemon_asks_for_nothing, newer_is_wanted_at_the_start]))
