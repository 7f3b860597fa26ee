# SPDX-License-Identifier: BSD-3-Clause
"""Entries end on the nanosecond, and uncover what they were longer than or tied with."""
from frames import eth, ip4, ip6, tcp

YEAR = 1767225600  # 2026-01-01T00:00:00Z


def round_at(time):
    """One packet from each source that an entry speaks of."""
    web = tcp(1024, 80)
    return ([(time, eth(ip4(source, "198.18.0.1", web)))
             for source in ("192.0.2.9", "192.0.2.10", "192.0.2.200", "198.51.100.1",
                            "203.0.113.1")] +
            [(time, eth(ip6("2001:db8:a::9", "2001:db8:f::1", web)))])


packets = (round_at(f"{YEAR}.000000000") +
           round_at(f"{YEAR}.999999999") +
           round_at(f"{YEAR + 1}.000000000") +
           round_at(f"{YEAR + 1}.999999999") +
           round_at(f"{YEAR + 2}.000000000") +
           round_at(f"{YEAR + 2}.999999999") +
           round_at(f"{YEAR + 3}.000000000") +
           # a clock does not step back: what has expired stays so
           round_at(f"{YEAR}.000000000"))
