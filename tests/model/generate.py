# SPDX-License-Identifier: BSD-3-Clause
"""Random policies, feeds and captures in which much collides: few addresses, nested prefixes,
ports and times that services, sets and buckets turn on.
"""
import datetime
import ipaddress
import pathlib
import sys
from fractions import Fraction

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "replay"))
# pylint: disable=wrong-import-position
import frames
from frames import Layer
from model import count, siphash, source_key

BASE_S = 1_790_000_000
LAST_NS = 2**32 * 10**9 - 1
HALF_NS = 10**9 // 2
PORTS = [53, 80, 179, 443, 8080]
COUNTRIES = ["DE", "US", "FR", "A1"]
ASNS = [1, 7, 64500, 4294967295]
PROTOCOLS = ["tcp", "udp", "icmp", "icmpv6", "sctp", "gre", "esp", "ah", 0, 6, 17, 41, 59, 253, 255]
BITS = {4: [0, 1, 8, 16, 22, 23, 24, 25, 28, 30, 31, 32],
        6: [0, 3, 16, 32, 40, 47, 48, 52, 56, 60, 63, 64, 65, 80, 96, 127, 128]}


class Pool:
    """The addresses of one run, and prefixes around them."""

    def __init__(self, random):
        self.random = random
        nets4 = [random.getrandbits(32) for _ in range(random.randint(1, 3))]
        nets6 = [0x20010DB8 << 96 | random.getrandbits(96) for _ in range(random.randint(1, 3))]
        self.v4 = [self.near(random.choice(nets4), 32, (0, 1, 4, 7, 8, 9, 16))
                   for _ in range(random.randint(2, 10))]
        self.v6 = [self.near(random.choice(nets6), 128, (0, 1, 32, 63, 64, 65, 68, 72, 80))
                   for _ in range(random.randint(2, 10))]
        self.v6.append(0xFFFF << 32 | self.v4[0])

    def near(self, address, width, bits):
        """`address` with some of its low bits thrown anew, or just one turned over."""
        low = self.random.choice(bits)
        if low and self.random.random() < 0.5:
            return address ^ 1 << min(low, width) - 1
        return address >> low << low | self.random.getrandbits(low)

    def address(self, family):
        if family == 4:
            return str(ipaddress.IPv4Address(self.random.choice(self.v4)))
        return str(ipaddress.IPv6Address(self.random.choice(self.v6)))

    def sources(self):
        """All addresses, as bytes."""
        return [value.to_bytes(4, "big") for value in self.v4] \
            + [value.to_bytes(16, "big") for value in self.v6]

    def family(self):
        return self.random.choice((4, 6))

    def prefix(self):
        family = self.family()
        bits = self.random.choice(BITS[family])
        if self.random.random() < 0.9:
            bits = max(bits, BITS[family][3])
        network = ipaddress.ip_network((self.address(family), bits), strict=False)
        if bits == network.max_prefixlen and self.random.random() < 0.5:
            return str(network.network_address)
        return str(network)

    def prefixes(self, low, high):
        """Between `low` and `high` distinct ones."""
        found = {ipaddress.ip_network(text): text
                 for text in (self.prefix() for _ in range(self.random.randint(low, high)))}
        return list(found.values())


def some(random, choices, most):
    """One to `most` distinct choices."""
    return random.sample(choices, random.randint(1, min(most, len(choices))))


# Policies

def divisor(random, twos, fives, most):
    """A number that divides 2^twos * 5^fives, so that a packet costs a whole number of 1/256 ns."""
    while True:
        rate = 2**random.randint(0, twos) * 5**random.randint(0, fives)
        if rate <= most:
            return rate


def spelled(random, value):
    """A number as it is or with a suffix."""
    choices = [value, str(value)]
    for suffix, scale in (("k", 10**3), ("M", 10**6), ("G", 10**9)):
        whole, rest = divmod(value, scale)
        if whole:
            text = f"{whole}.{rest:0{len(str(scale)) - 1}}".rstrip("0").rstrip(".")
            choices.append(text + suffix)
    return random.choice(choices)


def limit(random):
    body = {}
    kind = random.choice(("pps", "bps", "both"))
    if kind != "bps":
        body["pps"] = rate = divisor(random, 17, 9, random.choice((100, 10**4, 250 * 10**6)))
        most = min(random.choice((1, 3, 30)), rate * 3600)
    if kind != "pps":
        body["bps"] = rate = divisor(random, 20, 9, random.choice((10**4, 10**6, 10**11)))
        if kind == "bps":
            most = min(random.choice((100, 2000, 20000)), rate * 3600 // 8)
    if most >= 1 and random.random() < 0.8:
        body["burst"] = random.randint(1, most)
    return {key: spelled(random, value) for key, value in body.items()}


def day_long(body):
    """Whether the burst that a limit leaves out, of 9216 bytes, is more than a day at its rate."""
    default = "bps" in body and ("burst" not in body or "pps" in body)
    return default and count(body["bps"]) * 86400 < 9216 * 8


def legal_limit(random):
    while True:
        body = limit(random)
        if not day_long(body):
            return body


def expiry(random):
    time = datetime.datetime.fromtimestamp(BASE_S + random.randint(-2, 12), datetime.timezone.utc)
    return time.strftime("%Y-%m-%dT%H:%M:%S") + random.choice(("", "", ".5", ".000000001")) + "Z"


def entry(random, prefix):
    if random.random() < 0.5:
        return prefix
    body = {"prefix": prefix}
    if random.random() < 0.8:
        body["expires"] = expiry(random)
    if random.random() < 0.3:
        body["reason"] = "because"
    return body


def sets(random, pool):
    return {f"set{n}": {"verdict": random.choice(("allow", "block")),
                        "entries": [entry(random, prefix) for prefix in pool.prefixes(0, 5)]}
            for n in range(random.choice((0, 0, 1, 2, 5)))}


def term(random, pool, group):
    kind = random.choice(("country", "asn", "prefix", "group", "unmapped", "any"))
    if kind == "country":
        text = "country:" + random.choice(COUNTRIES)
    elif kind == "asn":
        text = f"asn:{random.choice(ASNS)}"
    elif kind == "prefix":
        text = "prefix:" + pool.prefix()
    elif kind == "group" and group > 0:
        text = f"group:group{random.randrange(group)}"
    else:
        text = random.choice(("any", "unmapped", "country:US"))
    return text if random.random() < 0.6 else "!" + text


def groups(random, pool):
    """Groups name earlier ones only, in a document order of their own."""
    bodies = [(f"group{n}", list(dict.fromkeys(term(random, pool, n)
                                               for _ in range(random.randint(1, 4)))))
              for n in range(random.choice((0, 2, 6)))]
    random.shuffle(bodies)
    return dict(bodies)


def feed(random, pool):
    lines = []
    for prefix in pool.prefixes(0, 8):
        country = random.choice(COUNTRIES + [""])
        asn = random.choice(ASNS)
        asn = random.choice((asn, f"AS{asn}", "")) if country else asn
        lines.append(f"{prefix},{country},{asn}")
    lines.insert(random.randint(0, len(lines)), "# a comment")
    return "\n".join(lines) + "\n"


def service(random, pool, fallbacks):
    body = {}
    if random.random() < 0.5:
        body["destinations"] = pool.prefixes(1, 3)
    kind = random.choice(("any", "proto", "ports", "both"))
    if kind == "proto":
        body["proto"] = random.choice(PROTOCOLS)
    if kind == "both":
        body["proto"] = random.choice(("tcp", "udp", 6, 17))
    if kind in ("ports", "both"):
        body["ports"] = some(random, PORTS, 3)
    if fallbacks and random.random() < 0.6:
        body["fallback"] = random.choice(fallbacks)
    return body


def percentage(random, pool, salt):
    """Any, or the first that admits some source of the pool, or the last that does not."""
    number = siphash(salt, source_key(random.choice(pool.sources()))) % 2**32
    hundredths = random.choice((0, 10000, random.randint(0, 10000), 100 * random.randint(0, 100),
                                number * 10000 >> 32, (number * 10000 >> 32) + 1))
    text = f"{hundredths // 100}.{hundredths % 100:02}"
    return random.choice((text, text.rstrip("0").rstrip("."))) + "%"


def rule(random, pool, name, document, busy):
    body = {"name": name}
    services = document["services"]
    if services and random.random() < 0.75:
        body["service"] = random.choice(list(services))
    if document["origins"]["groups"] and random.random() < 0.6:
        body["origin"] = random.choice(list(document["origins"]["groups"]))
    if random.random() < 0.15:
        body["standing"] = "unmapped"
    if random.random() < 0.7:
        body["admit"] = percentage(random, pool, bytes.fromhex(document["salt"]))
    if "fallback" in services.get(body.get("service"), {}) and random.random() < 0.6:
        body["else"] = "divert"
    elif random.random() < 0.3:
        body["scope"] = "new"
    levels = [level for level in ("source", "rule") if random.random() < (0.7 if busy else 0.2)]
    if levels:
        body["limit"] = {level: legal_limit(random) for level in levels}
    return body


def plainly_covered(body, earlier):
    return any(key.get("service") in (None, body.get("service"))
               and key.get("origin") in (None, body.get("origin"))
               and key.get("standing") in (None, body.get("standing")) for key in earlier)


def rules(random, pool, document, busy):
    found = []
    for n in range(random.choice((0, 1, 4, 10))):
        body = rule(random, pool, f"rule{n}", document, busy)
        if not plainly_covered(body, found) or random.random() < 0.02:
            found.append(body)
    return found


def policy(random, pool, busy):
    """A document and the texts of its feeds, by file name. A busy one is about limits."""
    feeds = {f"feed{n}.csv": feed(random, pool) for n in range(random.choice((0, 1, 2, 4)))}
    document = {"schema": 1, "name": "random", "salt": random.randbytes(16).hex()}
    for key, value in (("malformed", "pass"), ("link", "arp"), ("default", "drop")):
        if random.random() < 0.3:
            document[key] = value
    if not busy and random.random() < 0.5:
        document["guard"] = {
            "sources": pool.prefixes(0, 1), "destinations": pool.prefixes(0, 1),
            "ports": [{"proto": random.choice(("tcp", "udp")), "port": port}
                      for port in some(random, PORTS, 2)]}
    document["sets"] = {} if busy and random.random() < 0.5 else sets(random, pool)
    document["origins"] = {"feeds": [{"type": "csv", "file": name} for name in feeds],
                           "groups": groups(random, pool)}
    fallbacks = [f"fallback{n}" for n in range(2 if busy else random.choice((0, 1)))]
    document["fallbacks"] = {name: {"mac": f"02:00:00:00:0f:0{n}"}
                             for n, name in enumerate(fallbacks)}
    document["services"] = {f"service{n}": service(random, pool, fallbacks)
                            for n in range(random.choice((0, 1, 3, 6)))}
    document["rules"] = rules(random, pool, document, busy)
    if random.random() < (0.7 if busy else 0.2):
        document["host"] = legal_limit(random)
    return document, feeds


# Captures

def transport(random):
    kind = random.choice(("tcp", "tcp", "udp", "quic", "icmp", "icmp6", "other"))
    ports = random.choice([1024] + PORTS), random.choice([9] + PORTS)
    data = bytes(random.choice((0, 1, 8, random.randint(0, 1400))))
    if kind == "tcp":
        flags = random.choice((2, 2, 0x12, 0x10, 4, 1, random.getrandbits(8)))
        return frames.tcp(*ports, flags, data, options=bytes(random.choice((0, 0, 4, 40))))
    if kind == "udp":
        return frames.udp(*ports, data)
    if kind == "quic":
        first = random.choice((0xC0, 0xD0, 0xCF, random.getrandbits(8)))
        version = random.choice((1, 0x6B3343CF, 0, 2))
        data = frames.quic(first, version)[:random.choice((0, 1, 4, 5, 6, 25))]
        return frames.udp(*ports, data)
    if kind == "icmp":
        return frames.icmp(random.choice((0, 8, 135)), data)
    if kind == "icmp6":
        return frames.icmp6(random.choice((128, 132, 133, 134, 135, 136, 137, 138)), data)
    return frames.raw(random.choice((0, 2, 41, 43, 44, 47, 50, 51, 59, 60, 132, 135, 253, 255)),
                      random.randbytes(random.choice((0, 1, 8, 16, 40))))


def extended(random, layer):
    """`layer` behind a chain of extension headers, now and then one too long."""
    for _ in range(random.choice((0, 0, 0, 0, 1, 1, 2, 3, random.choice((7, 8, 9))))):
        kind = random.choice((frames.hopopts, frames.routing, frames.dstopts, frames.ah,
                              frames.fragment6))
        if kind is frames.fragment6:
            layer = kind(layer, random.choice((0, 0, 0, 1, 8191)), random.random() < 0.5)
        else:
            eights = random.choice((1, 1, 1, 1, 2, 3, random.choice((1, 16, 31, 32))))
            layer = kind(layer, 8 * eights)
    return layer


def shown(random, value):
    """What a header claims: mostly the truth."""
    return None if random.random() < 0.95 else value + random.choice((-1, 1, -value, 8, -8, -20))


def ip(random, pool):
    layer, family = transport(random), pool.family()
    source, destination = pool.address(family), pool.address(family)
    hops = random.choice((255, 64))
    if family == 6:
        layer = extended(random, layer)
        length = shown(random, len(layer))
        return frames.ip6(source, destination, layer, hops=hops,
                          length=length if length is None else max(length, 0))
    options = bytes(random.choice((0, 0, 0, 4, 40)))
    total = shown(random, 20 + len(options) + len(layer))
    offset = random.choice((0, 0, 0, 0, 0, 1, 8191))
    return frames.ip4(source, destination, layer, options=options, fragment=offset, ttl=hops,
                      more=random.random() < 0.2, total=total if total is None else max(total, 0))


def ethernet(random, pool):
    kind = random.random()
    if kind < 0.9:
        payload = ip(random, pool)
    elif kind < 0.95:
        payload = frames.arp()
    else:
        payload = Layer(bytes(46), random.choice((0x0842, 0x8035, 0x88CC, 46, 0x9100)))
    ethertype = None if random.random() < 0.97 else random.choice((0x0800, 0x86DD, 0x0806, 0x8100))
    tags = [random.choice((frames.dot1q, frames.qinq))(random.getrandbits(16))
            for _ in range(random.choice((0,) * 12 + (1, 1, 2, 2, 3)))]
    initial = frames.quic(0xC0, 1)
    padding = random.choice((b"", b"", b"", bytes(1), bytes(40), initial, initial[1:]))
    return frames.eth(payload, ethertype, tags) + padding


def mutated(random, frame):
    kind = random.choice(("bytes", "bits", "cut", "insert"))
    data = bytearray(frame)
    at = random.randrange(min(len(data), random.choice((24, 64, 2000))))
    if kind == "cut":
        return bytes(data[:at])
    if kind == "insert":
        data[at:at] = random.randbytes(random.choice((1, 2, 4, 8)))
        return bytes(data)
    for _ in range(random.randint(1, 4)):
        if kind == "bytes":
            data[at] = random.getrandbits(8)
        else:
            data[at] ^= 1 << random.randrange(8)
        at = random.randrange(min(len(data), 80))
    return bytes(data)


def snapped(random, pool):
    """(frame, whole length) of a plain packet that the capture holds only the beginning of."""
    layer = random.choice((frames.tcp(9, 80, data=bytes(99)), frames.udp(9, 443, bytes(9))))
    frame = frames.eth(frames.ip4(pool.address(4), pool.address(4), layer))
    return frame[:random.randint(14, len(frame))], len(frame) + random.choice((0, 0, -1, 6))


def rates(document):
    """Packets a second at which the buckets of the policy let something through."""
    limits = [body for entry in document["rules"] for body in entry.get("limit", {}).values()]
    for body in limits + [document.get("host", {})]:
        if "pps" in body:
            yield Fraction(count(body["pps"]))
        if "bps" in body:
            yield Fraction(count(body["bps"]), 8 * 60)


def step(random, paces):
    """Nanoseconds from one packet to the next, about the paces of the policy's buckets."""
    kind = random.random()
    if kind < 0.3:
        return 0
    if kind < 0.8:
        pace = 10**9 / random.choice(paces)
        return max(int(pace * random.choice((1, 1, 1, 2, Fraction(1, 3), 5)))
                   + random.choice((-1, 0, 0, 1)), 0)
    if kind < 0.98:
        return 10**random.randint(0, 9)
    return -random.randint(0, 3 * 10**9)


def moment(random, now, paces):
    """The time of the packet after one at `now`: often one at which an entry may expire."""
    now += step(random, paces)
    kind = random.random()
    if kind < 0.1:
        now = (now // HALF_NS + 1) * HALF_NS + random.choice((-1, 0, 1))
    elif kind < 0.101:
        now += random.randint(0, 2**61)
    return min(now, LAST_NS)


def capture(random, pool, document, size, busy):
    """`size` packets as Model.decide() takes them: (ns, frame) or (ns, frame, whole length).
    A busy capture repeats a few whole frames."""
    paces = list(rates(document)) or [Fraction(1000)]
    now, packets = BASE_S * 10**9, []
    kept = [ethernet(random, pool) for _ in range(10)]
    for _ in range(size):
        now = moment(random, now, paces)
        kind = random.random()
        if kind < (0.95 if busy else 0.4):
            packets.append((now, random.choice(kept)))
        elif kind < (0.97 if busy else 0.8):
            kept.append(ethernet(random, pool))
            packets.append((now, kept[-1]))
        elif kind < (0.98 if busy else 0.82):
            packets.append((now, *snapped(random, pool)))
        else:
            packets.append((now, mutated(random, random.choice(kept))))
    return packets
