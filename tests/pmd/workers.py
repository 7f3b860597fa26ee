#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two workers, each with its own queues, one set of tables: workers.py DATAPLANE MAKE_STATE"""
import math
import sys
import time

from dataplane import main, read_capture, until, write_capture
from frames import eth, ip4, udp

POLICY = {
    "schema": 1, "name": "test", "salt": "00" * 16,
    "sets": {"bad": {"verdict": "block", "entries": ["192.0.2.1"]}},
    "origins": {"feeds": []},
    "services": {"names": {"destinations": ["198.18.0.1"], "proto": "udp", "ports": [53]}},
    "rules": [{"name": "names", "service": "names", "admit": "100%",
               "limit": {"rule": {"pps": 1, "burst": 10}}}],
}
LCORES = "0@0,1@0,2@0"


def frame(source, port):
    return eth(ip4(source, "198.18.0.1", udp(1024, port)))


def two_queues(place, queues):
    """Run two workers over what each queue holds. What each sent."""
    edge = "".join(f",rx_pcap={write_capture(place.path(f'in{i}.pcap'), frames)}"
                   f",tx_pcap={place.path(f'back{i}.pcap')}" for i, frames in enumerate(queues))
    server = "".join(f",rx_pcap={write_capture(place.path('none.pcap'), [])}"
                     f",tx_pcap={place.path(f'out{i}.pcap')}" for i in range(2))
    run = place.start(["net_pcap0" + edge, "net_pcap1" + server], ["net_pcap0,net_pcap1"],
                      ["--workers", "2", "--packets", str(sum(map(len, queues)))], LCORES)
    run.finish()
    assert run.totals["workers"] == 2
    return run, [read_capture(place.path(f"out{i}.pcap")) for i in range(2)]


def own_queues(place):
    place.publish(POLICY)
    queues = [[frame("192.0.2.1", 1), frame("192.0.2.2", 2)] * 50,
              [frame("192.0.2.3", 3), frame("192.0.2.1", 4)] * 70]
    run, out = two_queues(place, queues)
    assert out == [[frame("192.0.2.2", 2)] * 50, [frame("192.0.2.3", 3)] * 70]
    assert run.reasons() == {"blocked": 120, "default": 120}


def ports_count(place):
    """Each port and each queue tells of what it moved, the whole of it once all has stopped."""
    place.publish(POLICY)
    queues = [[frame("192.0.2.2", 2)] * 100, [frame("192.0.2.3", 3)] * 140]
    run, _ = two_queues(place, queues)
    ports = run.ports()
    size = len(queues[0][0])
    assert ports["net_pcap0"]["queues"] == [(100, 100 * size, 0), (140, 140 * size, 0)], ports
    assert ports["net_pcap0"]["received"] == (240, 240 * size)
    assert ports["net_pcap1"]["sent"] == (240, 240 * size)
    assert [port["role"] for port in ports.values()] == [0, 1]
    run.has_said("port net_pcap0: cannot be told how to spread packets over its 2 queues")


def time_is_idle_or_busy(place):
    place.publish(POLICY)
    none = write_capture(place.path("none.pcap"), [])
    some = write_capture(place.path("some.pcap"), [frame("192.0.2.2", 2)] * 32)
    run = place.start([f"net_pcap0,rx_pcap={none}", f"net_pcap1,rx_pcap={none}"],
                      ["net_pcap0,net_pcap1"])
    run.has_said("generation 1")
    until(lambda: run.idle_ns() > 10_000_000, "idle time")
    run.stop()
    run = place.start([f"net_pcap0,rx_pcap={some},infinite_rx=1", f"net_pcap1,rx_pcap={none}"],
                      ["net_pcap0,net_pcap1"])
    run.has_said("generation 1")
    until(lambda: run.busy() > 0, "a busy second")
    run.stop()


def one_bucket(place):
    """The workers may overshoot by one packet, and the bucket gains one a second."""
    place.publish(POLICY)
    began = time.monotonic()
    run, out = two_queues(place, [[frame("192.0.2.2", 53)] * 500, [frame("192.0.2.3", 53)] * 500])
    admitted = run.reasons()["admitted"]
    assert admitted == len(out[0]) + len(out[1])
    assert 10 <= admitted <= 11 + math.ceil(time.monotonic() - began), admitted
    assert run.reasons()["rule-limit"] == 1000 - admitted


if __name__ == "__main__":
    sys.exit(main([own_queues, ports_count, time_is_idle_or_busy, one_bucket]))
