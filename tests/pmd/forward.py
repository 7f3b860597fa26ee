#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What goes in comes out, byte for byte, or does not: forward.py DATAPLANE MAKE_STATE"""
import sys

from dataplane import main
from frames import SYN, ACK, arp, dot1q, eth, icmp, ip4, ip6, qinq, tcp, udp

POLICY = {
    "schema": 1, "name": "test", "salt": "000102030405060708090a0b0c0d0e0f",
    "sets": {"bad": {"verdict": "block", "entries": ["192.0.2.66", "2001:db8:bad::/48"]}},
    "origins": {"feeds": []},
    "services": {"front": {"destinations": ["198.18.0.0/24"], "proto": "tcp", "ports": [80],
                           "fallback": "lite"}},
    "fallbacks": {"lite": {"mac": "02:00:00:00:0f:01"}},
    "rules": [{"name": "front", "service": "front", "admit": "0%", "else": "divert"}],
}
LITE = bytes.fromhex("020000000f01")


def page(source="192.0.2.9", tags=(), data=b"", flags=SYN, pad=0):
    """A frame to the front page."""
    return eth(ip4(source, "198.18.0.1", tcp(1024, 80, flags, data)), tags=tags, pad=pad)


def other(source="192.0.2.9", tags=(), data=b""):
    """A frame that no rule is about."""
    return eth(ip4(source, "198.18.7.1", udp(1024, 53, data)), tags=tags)


def policy(**changes):
    return {**POLICY, **changes}


def without_image(place):
    frames = [page(), other(), b"\x02" * 13, eth(arp())]
    run = place.filter(frames)
    assert run.out == frames
    assert run.reasons() == {"default": 4}
    run.has_said("NO USABLE IMAGE")
    assert run.totals["generation"] == 0


def passed_untouched(place):
    place.publish(POLICY)
    frames = [other(), other(data=bytes(range(256)) * 5), other(tags=[dot1q(0xE007)]),
              other(tags=[qinq(7), dot1q(8)]), eth(arp(), pad=18),
              eth(ip6("2001:db8::1", "2001:db8::2", udp(1, 2))),
              eth(ip4("10.0.0.1", "10.0.0.2", icmp()))]
    run = place.filter(frames)
    assert run.out == frames
    assert run.totals["generation"] == 1
    assert run.reasons() == {"default": 6, "link": 1}
    assert run.totals["sent"]["bytes"] == sum(map(len, frames))
    run.has_said("daemon absent: filtering by the last good image, generation 1")


def dropped(place):
    place.publish(POLICY)
    bad = [other("192.0.2.66"), eth(ip6("2001:db8:bad::1", "2001:db8::2", udp(1, 2))),
           b"\x02" * 13, other(tags=[dot1q(1), dot1q(2), dot1q(3)])]
    good = [other("192.0.2.67"), eth(ip6("2001:db8:bed::1", "2001:db8::2", udp(1, 2)))]
    run = place.filter([bad[0], good[0], *bad[1:], good[1]])
    assert run.out == good
    assert run.reasons() == {"blocked": 2, "malformed": 2, "default": 2}


def jumbo(place):
    """Frames of several buffers, in both directions; of a burst the diverted leave last."""
    place.publish(POLICY)
    data = bytes(i * 7 & 0xFF for i in range(8940))
    big, asked = other(data=data), page(data=data, flags=ACK)
    run = place.filter([big, asked, other()], returns=[big, other()])
    assert run.out == [big, other(), LITE + asked[6:]]
    assert run.back == [big, other()]
    assert run.totals["returned"] == {"packets": 2, "bytes": len(big) + len(other())}


def diverted_by_mac(place):
    place.publish(POLICY)
    frames = [page(), other(), page(tags=[dot1q(0x6005)]), page(pad=6)]
    run = place.filter(frames)
    assert run.out == [frames[1]] + [LITE + frames[i][6:] for i in (0, 2, 3)]
    assert run.reasons() == {"shed": 3, "default": 1}
    assert run.totals["verdicts"]["divert"]["packets"] == 3


def diverted_by_vlan(place):
    place.publish(policy(fallbacks={"lite": {"mac": "02:00:00:00:0f:01", "vlan": 300}}))
    frames = [page(), page(tags=[dot1q(0xF005)]), page(tags=[qinq(0x2007), dot1q(8)])]
    run = place.filter(frames)
    source = frames[0][6:12]
    assert run.out == [LITE + source + dot1q(300) + frames[0][12:],
                       LITE + source + dot1q(0xF000 | 300) + frames[1][16:],
                       LITE + source + qinq(0x2000 | 300) + frames[2][16:]]
    assert run.totals["sent"]["bytes"] == sum(map(len, frames)), "bytes as received"


def diverted_by_port(place):
    place.publish(policy(fallbacks={"lite": {"mac": "02:00:00:00:0f:01", "port": "fallback"}}))
    run = place.filter([page(), other(), page("192.0.2.10")], fallback=True)
    assert run.out == [other()]
    assert run.fallback == [LITE + page()[6:], LITE + page("192.0.2.10")[6:]]


def fallback_port_missing(place):
    place.publish(policy(fallbacks={"lite": {"mac": "02:00:00:00:0f:01", "port": "fallback"}}))
    run = place.filter([page()])
    assert run.out == [page()] and run.totals["generation"] == 0
    run.has_said('generation 1 is refused: fallback "lite" is behind a fallback port, and pair '
                 'net_pcap0,net_pcap1 has none')


def fallback_port_unneeded(place):
    """Nothing can be diverted there, so nothing is missing."""
    place.publish(policy(fallbacks={"lite": {"mac": "02:00:00:00:0f:01", "port": "fallback"}},
                         rules=[{"name": "front", "service": "front", "admit": "0%"}]))
    run = place.filter([page(), other()])
    assert run.out == [other()] and run.totals["generation"] == 1


if __name__ == "__main__":
    sys.exit(main([without_image, passed_untouched, dropped, jumbo, diverted_by_mac,
                   diverted_by_vlan, diverted_by_port, fallback_port_missing,
                   fallback_port_unneeded]))
