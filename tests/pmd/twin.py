#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The data plane on the buckets that a twin would have pinned: twin.py DATAPLANE MAKE_STATE
PIN_STATE. As root, in a mount namespace of its own."""
import json
import os
import struct
import subprocess
import sys
import tempfile

from dataplane import DEADLINE_S, Daemon, main, until, write_capture
from frames import eth, ip4, udp

SKIPPED = 77
LINES = 1024
# A source's bucket takes most of a day to fill again: what is left of it is what was not used.
BURST = 80000
LIMIT = {"schema": 1, "name": "limit", "salt": "00" * 16, "default": "drop",
         "origins": {"feeds": []},
         "services": {"dns": {"proto": "udp", "ports": [53]}},
         "rules": [{"name": "dns", "service": "dns",
                    "limit": {"source": {"pps": 1, "burst": BURST}}}]}
FRAME = eth(ip4("192.0.2.9", "198.18.0.1", udp(1024, 53)))


def pin_state(*arguments):
    return subprocess.run([sys.argv[3], *map(str, arguments)], text=True, check=True,
                          timeout=DEADLINE_S, capture_output=True).stdout


def show(pins):
    return json.loads(pin_state(pins, "show"))


def pinned(place, *arguments):
    """A folder with a state in it."""
    pins = os.path.join(os.environ["BPFFS"], place.folder.name)
    pin_state(pins, "make", *(arguments or (LINES,)))
    return pins


def start(place, pins, *options):
    """On ports on which one frame arrives for ever."""
    source = write_capture(place.path("endless.pcap"), [FRAME] * 32)
    sink = write_capture(place.path("sink.pcap"), [])
    ports = [f"net_pcap0,rx_pcap={source},infinite_rx=1", f"net_pcap1,rx_pcap={sink}"]
    return place.start(ports, ["net_pcap0,net_pcap1"], options, sources=["--twin", pins])


def serves(run, pins):
    until(lambda: show(pins)["serving_ns"] > 0 or run.process.poll() is not None, "a promise")
    assert run.process.poll() is None, run.said()
    assert show(pins)["serving_ns"] <= 10**9
    return run


def joined(place):
    board = (place.run / "dataplane.board").read_bytes()
    return struct.unpack_from("<I", board, 308)[0]


def admitted(run):
    return run.totals["reasons"]["admitted"]["packets"]


def promises(place):
    """It serves while it lives, and takes that back when it is told to stop."""
    pins = pinned(place)
    place.publish(LIMIT)
    run = serves(start(place, pins), pins)
    first = show(pins)["serving_until_ns"]
    until(lambda: show(pins)["serving_until_ns"] > first, "a longer promise")
    assert joined(place) == 1
    run.stop()
    assert show(pins)["serving_until_ns"] == 0
    assert show(pins)["owners"] == 1


def takes_back_on_its_own_end(place):
    pins = pinned(place)
    place.publish(LIMIT)
    serves(start(place, pins), pins).stop()
    start(place, pins, "--packets", "1000").finish()
    assert show(pins)["serving_until_ns"] == 0


def promises_nothing_without_image(place):
    pins = pinned(place)
    daemon = Daemon(place)
    run = start(place, pins)
    until(lambda: run.received() > 10000, "packets")
    run.has_said("NO USABLE IMAGE")
    assert show(pins)["serving_until_ns"] == 0
    daemon.publish(LIMIT, 1)
    serves(run, pins).stop()
    daemon.die()


def state_outlives_it(place):
    """Killed, it leaves its promise, which its successor does not take for its own, and its
    buckets, which that goes on with."""
    pins = pinned(place)
    place.publish(LIMIT)
    run = serves(start(place, pins), pins)
    until(lambda: run.received() > 2 * BURST, "more packets than are admitted")
    run.process.kill()
    run.finish(status=-9)
    left = show(pins)
    assert left["serving_until_ns"] > 0 and left["owners"] == 1 and left["buckets"] == 1
    run = start(place, pins, "--packets", str(2 * BURST))
    run.finish()
    assert admitted(run) < BURST / 10 and run.totals["received"]["packets"] >= 2 * BURST
    assert show(pins)["owners"] == 1


def counts_begin_anew(place):
    """Counters are a run's own, whoever had the slot before."""
    pins = pinned(place)
    place.publish(LIMIT)
    for _ in range(2):
        run = start(place, pins, "--packets", "5000")
        run.finish()
        counted = (place.run / "dataplane.counters").read_bytes()
        owners = [struct.unpack_from("<I", counted, 16 + 4 * slot)[0] for slot in range(8192)]
        assert sum(owner != 0 for owner in owners) == 1


def says_that_it_is_forsaken(place):
    """Another state in the place of the one that it works on is seen; none is not."""
    pins = pinned(place)
    place.publish(LIMIT)
    run = serves(start(place, pins), pins)
    for name in os.listdir(pins):
        os.unlink(os.path.join(pins, name))
    os.rmdir(pins)
    before = run.received()
    until(lambda: run.received() > before + 1000000, "packets")
    assert joined(place) == 1
    pinned(place)
    run.has_said("THE TWIN'S BUCKETS ARE OTHERS")
    assert joined(place) == 2 and show(pins)["serving_until_ns"] == 0
    run.stop()


def refused(place, pins, says, status=1):
    start(place, pins).finish(status).has_said(says)


def refusals(place):
    missing = os.path.join(os.environ["BPFFS"], "missing")
    refused(place, missing, f"--twin: {missing}/state: No such file or directory")
    plain = place.path("plain")
    plain.mkdir()
    (plain / "state").touch()
    refused(place, str(plain), f"--twin: {plain}/state: ")


def attached_to_nothing(place):
    pins = pinned(place)
    os.unlink(os.path.join(pins, "link-none"))
    refused(place, pins, "--twin: the twin is attached to no interface yet")


def other_version(place):
    refused(place, pinned(place, LINES, 99), "--twin: the twin's state has version 99, not 1")


def other_sizes(place):
    refused(place, pinned(place, LINES, 1, 640), "--twin: rule_states: 8192 entries of 640 bytes")


def not_both(place):
    run = place.start([], ["a,b"], ["--twin", "x"])
    run.finish(status=2)
    run.has_said("--sources: the twin has them already, in x")


def with_mount():
    """Run this again in a namespace with a BPF file system of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["unshare", "--mount", "sh", "-c",
                   'mount -t bpf bpf "$BPFFS" && exec "$@"', "sh", sys.executable, *sys.argv]
        return subprocess.run(command, env={**os.environ, "BPFFS": folder}, timeout=250,
                              check=False).returncode


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit(SKIPPED)
    if "BPFFS" not in os.environ:
        sys.exit(with_mount())
    sys.exit(main([promises, takes_back_on_its_own_end, promises_nothing_without_image,
                   state_outlives_it, counts_begin_anew, says_that_it_is_forsaken, refusals,
                   attached_to_nothing, other_version, other_sizes, not_both]))
