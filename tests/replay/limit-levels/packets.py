# SPDX-License-Identifier: BSD-3-Clause
"""Source, rule, host: which level refuses first, and that a refusal charges none of them.

The host has a burst of 3 and a packet back each millisecond.
"""
from frames import eth, ip4, raw

FIRST, SECOND, QUICK, SLOW, FREE, BYTES = (f"198.18.0.{n}" for n in range(1, 7))


def packet(time, source, destination, size=60):
    return (time, eth(ip4(f"192.0.2.{source}", destination, raw(253, bytes(size - 34)))))


packets = [
    # source 1, rule 2, host 3: each refusal leaves the other levels as they were
    packet("10", 1, FIRST),     # source 1 empty; rule 1, host 2 left
    packet("10", 1, FIRST),
    packet("10", 1, FIRST),
    packet("10", 2, FIRST),     # rule 0, host 1 left
    packet("10", 3, FIRST),
    packet("10", 1, FIRST),     # its source bucket is empty as well, and is asked first
    packet("10", 1, SECOND),    # another rule's bucket for the same source; host 0 left
    packet("10", 3, FREE),
    packet("10", 3, FIRST),     # rule and host are empty: the rule is asked first
    # what the rule refused was not charged to the source: a millisecond on it is admitted
    packet("20", 1, QUICK),
    packet("20", 2, QUICK),
    packet("20.001", 2, QUICK),
    packet("20.002", 2, QUICK),
    # what the host refused was charged to neither rule nor source
    packet("30", 1, FREE),
    packet("30", 1, FREE),
    packet("30", 1, FREE),
    packet("30", 2, SLOW),
    packet("30", 2, SECOND),
    packet("30.001", 2, SLOW),
    packet("30.002", 2, SECOND),
    packet("30.003", 2, SLOW),
    packet("30.004", 2, SLOW),
    # the rule's bits: 1000 bytes at 1000 bytes/s, all sources together
    packet("40", 1, BYTES, 600),
    packet("40", 2, BYTES, 401),
    packet("40", 3, BYTES, 400),
    packet("40.1", 4, BYTES, 101),
    packet("40.1", 4, BYTES, 100),
]
