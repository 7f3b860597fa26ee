# SPDX-License-Identifier: BSD-3-Clause
"""A set of the size that the design is for, over all origins: what filling it takes, a change on
top of it, a restart; what memory, and what a lookup in it costs over one in a fifth of it."""
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import changes
import decisions
import feed
import live
import rows
from filter import until

SINGLES, SINGLES6, NETWORKS, FIFTH = 10_000_000, 1_000_000, 100_000, 2_000_000
QUICK = 100  # times less
RESTARTS, ROUNDS = 3, 5
SCENES = {"hit": "blocked", "miss": "1M"}
ONLY = "decide/[1b][Ml]*/[as]*"  # at all levels, without the plain chain, which has no room


def names(_):
    return [f"large/{name}" for name in
            ("fill", "block", "memory of sluiced", "memory of sluice-dataplane",
             "restart of sluiced", "restart of sluice-dataplane",
             *(f"{scene}, 10M over 2M" for scene in SCENES))]


def fill(filter_, smaller):
    counts = {"--count": SINGLES, "--count6": SINGLES6, "--networks": NETWORKS}
    words = [word for option, count in counts.items() for word in (option, count // smaller)]
    before = live.spent_s(filter_.daemon.process.pid)
    said = filter_.ask("fill", *words)
    spent = live.spent_s(filter_.daemon.process.pid) - before
    return rows.Row("large/fill", said["seconds"], "s", said["seconds"], said["seconds"],
                    noisy=not said["fair"],
                    note=f"{said['entries']:,} entries, one change; {spent:.0f} s of sluiced's "
                    f"CPU; {said['took_us'] / 1e6:.1f} s at the end to compile and enforce")


def memory(filter_):
    for name, process in (("sluiced", filter_.daemon), ("sluice-dataplane", filter_.worker)):
        megabytes = feed.memory_kb(process) / 1024
        yield rows.Row(f"large/memory of {name}", megabytes, "MB", megabytes, megabytes,
                       note="resident")


def answers(path):
    """Whether the daemon greets, which it does once it has loaded what was in force."""
    try:
        changes.Client(str(path)).socket.close()
    except OSError:
        return False
    return True


def seconds(begin):
    began = time.monotonic()
    begin()
    return time.monotonic() - began


def restart_daemon(filter_):
    filter_.daemon.end()
    path = filter_.run / "control.sock"
    path.unlink(missing_ok=True)

    def begin():
        filter_.start_daemon()
        until(lambda: filter_.daemon.must_run() and answers(path), "the daemon's greeting",
              every_s=0.002)
    return seconds(begin)


def restart_dataplane(filter_):
    filter_.worker.end()
    return seconds(filter_.start_dataplane)


def restarts(filter_, rounds):
    for name, restart in (("sluiced", restart_daemon), ("sluice-dataplane", restart_dataplane)):
        taken = [restart(filter_) for _ in range(rounds)]
        middle = statistics.median(taken)
        yield rows.Row(f"large/restart of {name}", middle, "s", min(taken), max(taken),
                       note="from its start to its greeting" if name == "sluiced" else
                       "from its start to the first packets, DPDK's own included")


def costs(bench, blocked):
    """Rows of hits and misses with so many entries."""
    command = [*decisions.command(bench), "--blocked", str(blocked), "--only", ONLY, "--rounds",
               str(bench.rounds or (1 if bench.quick else ROUNDS))]
    done = subprocess.run([*command, *(["--quick"] if bench.quick else [])], check=True,
                          text=True, stdout=subprocess.PIPE)
    said = {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
    best = next(level for level in decisions.LEVELS if f"decide/blocked/{level}" in said)
    return {name: decisions.decision(said[f"decide/{scene}/{best}"], said["machine"], "")
            for name, scene in SCENES.items()}


def lookups(bench, smaller):
    few, many = costs(bench, FIFTH // smaller), costs(bench, SINGLES // smaller)
    for name in SCENES:
        row = rows.ratio(f"large/{name}, 10M over 2M", many[name], few[name])
        row.note = f"{many[name].figure:.0f} cycles over {few[name].figure:.0f}"
        yield row


def run(bench):
    smaller = QUICK if bench.quick else 1
    with tempfile.TemporaryDirectory() as folder, \
            live.Live(bench, pathlib.Path(folder)) as filter_:
        yield fill(filter_, smaller)
        yield live.serial(filter_, "large/block", "block", 50 if bench.quick else live.CHANGES,
                          bench.rounds or (1 if bench.quick else live.ROUNDS))
        yield from memory(filter_)
        yield from restarts(filter_, 1 if bench.quick else RESTARTS)
        filter_.worker.stop()
        live.processes.check(filter_.worker)
    yield from lookups(bench, smaller)
