#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Starts, refusals to start, ends, and what is found on disk: lifecycle.py DATAPLANE MAKE_STATE"""
import subprocess
import sys

from dataplane import DEADLINE_S, main, until, write_capture
from frames import eth, ip4, udp

DROP = {"schema": 1, "name": "drop", "salt": "00" * 16, "default": "drop", "origins": {"feeds": []}}
PASS = {**DROP, "name": "pass", "default": "pass"}
FRAME = eth(ip4("192.0.2.9", "198.18.0.1", udp(1024, 53)))


def endless(place):
    """Ports on which the same frames arrive for ever and whatever is sent vanishes."""
    source = write_capture(place.path("endless.pcap"), [FRAME] * 32)
    sink = write_capture(place.path("sink.pcap"), [])
    return [f"net_pcap0,rx_pcap={source},infinite_rx=1", f"net_pcap1,rx_pcap={sink}"]


def start(place, *options, lcores="0@0,1@0", pairs=("net_pcap0,net_pcap1",)):
    return place.start(endless(place), pairs, options, lcores)


def runs(run):
    """Wait until packets have come and gone."""
    before = run.received()
    until(lambda: run.received() > before + 1000 or run.process.poll() is not None, "packets")
    assert run.process.poll() is None, run.said()
    return run


def scalar_by_name(place):
    place.publish(DROP)
    run = runs(start(place, "--simd", "scalar")).stop()
    assert run.totals["reasons"]["default"]["packets"] == run.totals["received"]["packets"]


def sigterm_drains(place):
    place.publish(PASS)
    run = runs(start(place)).stop()
    assert run.totals["sent"] == run.totals["received"]
    run.has_said("stopped at generation 1")


def second_is_refused(place):
    first = runs(start(place))
    second = start(place)
    second.finish(status=1)
    second.has_said(f"another data plane is running, with pid {first.process.pid}")
    runs(first).stop()


def restart_after_kill(place):
    place.publish(DROP)
    run = runs(start(place))
    run.process.kill()
    run.finish(status=-9)
    run = runs(start(place)).stop()
    assert run.totals["verdicts"]["pass"]["packets"] == 0
    run.has_said("daemon absent: filtering by the last good image, generation 1")


def damage(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def segment(place, kind):
    return next((place.state / "segments").glob(kind + "-*"))


def corrupt_segment(place):
    place.publish(DROP)
    damage(segment(place, "rules"), 400)
    run = place.filter([FRAME])
    assert run.out == [FRAME] and run.reasons() == {"default": 1}
    run.has_said(f"generation 1 is refused: {segment(place, 'rules')}: rules")
    run.has_said("NO USABLE IMAGE")
    assert run.board()[:2] == (0, 1) and "rules" in run.board()[2]


def corrupt_manifest(place):
    place.publish(DROP)
    damage(place.state / "current", 20)
    run = place.filter([FRAME])
    assert run.out == [FRAME]
    run.has_said(f"{place.state}/current: manifest")


def short_manifest(place):
    place.publish(DROP)
    (place.state / "current").write_bytes(b"SLCM")
    run = place.filter([FRAME])
    assert run.out == [FRAME]
    run.has_said(f"{place.state}/current: not a file of 200 bytes")


def missing_segment(place):
    place.publish(DROP)
    segment(place, "guard").unlink()
    run = place.filter([FRAME])
    assert run.out == [FRAME]
    run.has_said("guard-")
    run.has_said("No such file")


def wanted_instead_of_corrupt(place):
    place.publish(PASS)
    place.publish(DROP, "wanted", 2)
    damage(place.state / "current", 20)
    run = place.filter([FRAME])
    assert run.out == [] and run.totals["generation"] == 2


def former_instead_of_corrupt(place):
    place.publish(DROP, "former", 1)
    place.publish(PASS, "wanted", 2)
    place.publish(PASS, "current", 2)
    damage(place.state / "current", 20)
    damage(place.state / "wanted", 20)
    run = place.filter([FRAME])
    assert run.out == [] and run.totals["generation"] == 1


def refused(place, says, *options, status=1, **arguments):
    run = start(place, *options, **arguments).finish(status)
    run.has_said(says)


def ports_and_lcores(place):
    refused(place, "server port net_pcap9: no such port", pairs=["net_pcap0,net_pcap9"])
    refused(place, "port net_pcap0: is named twice", pairs=["net_pcap0,net_pcap0"])
    refused(place, "port net_pcap0: has 1 receive queues, and 2 workers need one each",
            "--workers", "2", lcores="0@0,1@0,2@0")
    refused(place, "2 workers need as many lcores", "--workers", "2")
    run = place.start([f"net_vhost0,iface={place.path('vhost')},queues=2", *endless(place)[1:]],
                      ["net_vhost0,net_pcap1"], (), "0@0,1@0").finish(status=1)
    run.has_said("port net_vhost0: spreads packets over 2 queues, and there are 1 workers: "
                 "give it queues=1")
    runs(start(place, pairs=["0,1"])).stop()


def options(place):
    for arguments, says in [
            ([], "no --pair"),
            (["--pair", "a"], "'a' is not EDGE,SERVER"),
            (["--pair", "a,"], "'a,' is not"),
            (["--pair", "a,b,c,d"], "'a,b,c,d' is not"),
            (["--pair", "a,b", "--workers", "0"], "--workers: '0'"),
            (["--pair", "a,b", "--workers", "65"], "--workers: '65' is not a number from 1 to 64"),
            (["--pair", "a,b", "--packets", "-1"], "--packets: '-1'"),
            (["--pair", "a,b", "--sources", "1e6"], "--sources: '1e6'"),
            (["--pair", "a,b", "--simd", "mmx"], "--simd: 'mmx' is not scalar, avx2 or avx512"),
            (["--pair", "a,b", "--frobnicate"], "--frobnicate"),
            (["--pair", "a,b", "stray"], "'stray'")]:
        run = subprocess.run([place.dataplane, "--no-huge", "--", *arguments], text=True,
                             capture_output=True, timeout=DEADLINE_S, check=False)
        assert run.returncode == 2 and says in run.stderr, (arguments, run)
    for argument in "--help", "--version":
        run = subprocess.run([place.dataplane, argument], text=True, capture_output=True,
                             timeout=DEADLINE_S, check=False)
        assert run.returncode == 0 and "sluice-dataplane" in run.stdout, run


if __name__ == "__main__":
    sys.exit(main([sigterm_drains, scalar_by_name, second_is_refused, restart_after_kill,
                   corrupt_segment, corrupt_manifest, short_manifest, missing_segment,
                   wanted_instead_of_corrupt, former_instead_of_corrupt, ports_and_lcores,
                   options]))
