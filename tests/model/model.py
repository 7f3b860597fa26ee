# SPDX-License-Identifier: BSD-3-Clause
"""What Sluice must decide, written down a second time: slowly, plainly and in exact numbers.

Follows docs/policy.md and shares nothing with core/ but the words. Addresses are bytes, 4 or 16
of them, and times are nanoseconds. run.py compares it with `sluice replay`.
"""
import dataclasses
import datetime
import ipaddress
import json
import socket
from fractions import Fraction

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58,
             "sctp": 132}
FRAGMENT, AH = 44, 51
EXTENSIONS = {0, 43, FRAGMENT, AH, 60}
HEADER_BYTES = {TCP: 20, UDP: 8, ICMP: 4, ICMP6: 4}


class Malformed(Exception):
    """A frame that breaks a rule of the parse stage."""


@dataclasses.dataclass
class Packet:
    """What the stages ask of a frame. `source` and below stay unset if it is not IP."""
    size: int
    ethertype: int = 0
    source: bytes = None
    destination: bytes = None
    protocol: int = None
    hops: int = None
    later: bool = False
    port: int = None
    kind: int = None
    opens: bool = False


# Parse

class Reader:
    """Bytes from `at` on, of a frame that may go on where the capture of it stopped."""

    def __init__(self, data, at, end):
        self.data, self.at, self.end = data, at, end

    def need(self, size):
        if self.at + size > min(self.end, len(self.data)):
            raise Malformed
        return self.data[self.at:self.at + size]

    def take(self, size):
        taken = self.need(size)
        self.at += size
        return taken

    def left(self):
        return self.end - self.at


def number(data):
    return int.from_bytes(data, "big")


def parse(frame, whole):
    """The packet in `frame`, the captured beginning of `whole` bytes."""
    packet = Packet(whole)
    reader = Reader(frame[:whole], 0, whole)
    reader.take(12)
    packet.ethertype = number(reader.take(2))
    tags = 0
    while packet.ethertype in (0x8100, 0x88A8):
        tags += 1
        if tags > 2:
            raise Malformed
        packet.ethertype = number(reader.take(4)[2:])
    if packet.ethertype == 0x0800:
        parse_ip4(packet, reader)
    elif packet.ethertype == 0x86DD:
        parse_ip6(packet, reader)
    return packet


def parse_ip4(packet, reader):
    header = reader.need(20)
    length, total = (header[0] & 15) * 4, number(header[2:4])
    if header[0] >> 4 != 4 or not 20 <= length <= total <= reader.left():
        raise Malformed
    reader.end = reader.at + total
    reader.take(length)
    packet.source, packet.destination = header[12:16], header[16:20]
    packet.protocol, packet.hops = header[9], header[8]
    packet.later = number(header[6:8]) & 0x1FFF != 0
    parse_transport(packet, reader)


def parse_ip6(packet, reader):
    header = reader.take(40)
    length = number(header[4:6])
    if header[0] >> 4 != 6 or length > reader.left():
        raise Malformed
    reader.end = reader.at + length
    packet.source, packet.destination = header[8:24], header[24:40]
    packet.protocol, packet.hops = header[6], header[7]
    count = size = 0
    while packet.protocol in EXTENSIONS and not packet.later:
        count += 1
        size += walk(packet, reader)
        if count > 8 or size > 256:
            raise Malformed
    parse_transport(packet, reader)


def walk(packet, reader):
    """Steps over the extension header that packet.protocol names; its bytes."""
    first = reader.need(8)
    size = (first[1] + 1) * 8
    if packet.protocol == AH:
        size = (first[1] + 2) * 4
    elif packet.protocol == FRAGMENT:
        size = 8
        packet.later = number(first[2:4]) >> 3 != 0
    reader.take(size)
    packet.protocol = first[0]
    return size


def parse_transport(packet, reader):
    if packet.later or packet.protocol not in HEADER_BYTES:
        return
    header = reader.need(HEADER_BYTES[packet.protocol])
    if packet.protocol == TCP:
        offset = header[12] >> 4
        if offset < 5 or offset * 4 > reader.left():
            raise Malformed
        packet.opens = header[13] & 0x12 == 0x02
    if packet.protocol == UDP:
        packet.opens = is_quic_initial(reader.data[reader.at + 8:reader.end])
    if packet.protocol in (TCP, UDP):
        packet.port = number(header[2:4])
    else:
        packet.kind = header[0]


def is_quic_initial(data):
    return len(data) >= 5 and (data[0] & 0xF0, number(data[1:5])) in (
        (0xC0, 0x00000001), (0xD0, 0x6B3343CF))


# Shedding

def rotate(word, by):
    return (word << by | word >> (64 - by)) & (2**64 - 1)


def sip_rounds(v, rounds):
    for _ in range(rounds):
        v[0] = (v[0] + v[1]) % 2**64
        v[2] = (v[2] + v[3]) % 2**64
        v[1], v[3] = rotate(v[1], 13) ^ v[0], rotate(v[3], 16) ^ v[2]
        v[0] = rotate(v[0], 32)
        v[2] = (v[2] + v[1]) % 2**64
        v[0] = (v[0] + v[3]) % 2**64
        v[1], v[3] = rotate(v[1], 17) ^ v[2], rotate(v[3], 21) ^ v[0]
        v[2] = rotate(v[2], 32)


def siphash(key, message):
    """SipHash-2-4."""
    halves = [int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")] * 2
    text = number(b"somepseudorandomlygeneratedbytes")
    v = [half ^ text >> shift & (2**64 - 1) for half, shift in zip(halves, (192, 128, 64, 0))]
    padded = message + bytes(-(len(message) + 1) % 8) + bytes([len(message) % 256])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at:at + 8], "little")
        v[3] ^= word
        sip_rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    sip_rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def source_key(source):
    return source if len(source) == 4 else source[:8]


def admits(rule, salt, key):
    hundredths = int(Fraction(rule.get("admit", "100%")[:-1]) * 100)
    return siphash(salt, key) % 2**32 < hundredths * 2**32 // 10000


# Limits

def count(value):
    """A number of a limit: 2000, "2k", "1.5M"."""
    if isinstance(value, int):
        return value
    scale = {"k": 10**3, "M": 10**6, "G": 10**9}.get(value[-1])
    return int(Fraction(value[:-1]) * scale) if scale else int(value)


class Bucket:
    """`burst` things, coming back at `rate` a second. Full when first asked."""

    def __init__(self, rate, burst):
        self.rate, self.burst, self.level, self.now = rate, burst, Fraction(burst), None

    def has(self, cost, now):
        if self.now is not None:
            self.level = min(self.level + Fraction(self.rate * (now - self.now), 10**9), self.burst)
        self.now = now
        return cost <= self.level

    def charge(self, cost):
        self.level = max(self.level - cost, 0)


class Limit:
    """The buckets of one limit object: packets, bytes or both."""

    def __init__(self, limit):
        self.packets = self.bytes = None
        burst = count(limit["burst"]) if "burst" in limit else None
        if "pps" in limit:
            rate = count(limit["pps"])
            self.packets = Bucket(rate, burst or max(rate // 10, 1))
            burst = None
        if "bps" in limit:
            rate = Fraction(count(limit["bps"]), 8)
            self.bytes = Bucket(rate, burst or max(int(rate / 10), 9216))

    def costs(self, size):
        pairs = ((self.packets, 1), (self.bytes, size))
        return [(bucket, cost) for bucket, cost in pairs if bucket]

    def has(self, size, now):
        return all([bucket.has(cost, now) for bucket, cost in self.costs(size)])

    def charge(self, size):
        for bucket, cost in self.costs(size):
            bucket.charge(cost)


# The policy

def prefix_of(text):
    """(address, bits) of a prefix or a bare address."""
    network = ipaddress.ip_network(text)
    return network.network_address.packed, network.prefixlen


def holds(prefix, address):
    base, bits = prefix
    return len(base) == len(address) and (number(base) ^ number(address)) >> (
        len(base) * 8 - bits) == 0


def any_holds(prefixes, address):
    return any(holds(prefix, address) for prefix in prefixes)


def prefixes_of(texts):
    return [prefix_of(text) for text in texts]


def time_of(text):
    """Nanoseconds since 1970 of 2026-12-01T00:00:00Z, or of a part of a second after it."""
    seconds, _, part = text[:-1].partition(".")
    time = datetime.datetime.fromisoformat(seconds).replace(tzinfo=datetime.timezone.utc)
    return int(time.timestamp()) * 10**9 + int(part.ljust(9, "0"))


def entries_of(sets):
    """(prefix, blocks, expiry or None) of every entry of every set."""
    for body in sets.values():
        for entry in body["entries"]:
            entry = entry if isinstance(entry, dict) else {"prefix": entry}
            expires = time_of(entry["expires"]) if "expires" in entry else None
            yield prefix_of(entry["prefix"]), body["verdict"] == "block", expires


def read_feeds(texts):
    """{prefix: (country, asn)} of the texts of feeds in order."""
    feed = {}
    for text in texts:
        for line in text.splitlines():
            line = line.partition("#")[0].strip()
            if line:
                prefix, country, asn = (field.strip() for field in line.split(","))
                feed[prefix_of(prefix)] = (country or None,
                                           int(asn.removeprefix("AS")) if asn else None)
    return feed


class Origins:
    """Where addresses are from, and which groups hold them."""

    def __init__(self, feed, groups):
        self.feed, self.groups = feed, groups

    def find(self, address):
        """(country, asn) of the longest prefix, None if no feed knows the address."""
        found = [(prefix[1], place) for prefix, place in self.feed.items()
                 if holds(prefix, address)]
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def in_group(self, name, address):
        terms = self.groups[name]
        adds = [term for term in terms if not term.startswith("!")]
        if adds:
            inside = any(self.in_term(term, address) for term in adds)
        else:
            inside = self.find(address) is not None
        return inside and not any(self.in_term(term[1:], address)
                                  for term in terms if term.startswith("!"))

    def in_term(self, term, address):
        place = self.find(address)
        word, _, value = term.partition(":")
        if word == "prefix":
            return holds(prefix_of(value), address)
        if word == "group":
            return self.in_group(value, address)
        if word in ("any", "unmapped"):
            return word == "any" or place is None
        if place is None:
            return False
        return place[0] == value if word == "country" else place[1] == int(value)


class Service:
    def __init__(self, body):
        self.destinations = prefixes_of(body["destinations"]) if "destinations" in body else None
        protocol = body.get("proto")
        self.protocol = PROTOCOLS.get(protocol, protocol)
        self.ports = body.get("ports")

    def holds(self, packet):
        if self.destinations is not None and not any_holds(self.destinations, packet.destination):
            return False
        if self.protocol is not None and self.protocol != packet.protocol:
            return False
        return self.ports is None or packet.later or packet.port in self.ports


class Model:
    """A policy document and its feeds at work: decide() is called once a packet, in order."""

    def __init__(self, document, feeds):
        self.document = document
        self.salt = bytes.fromhex(document.get("salt", "00" * 16))
        guard = document.get("guard", {})
        self.guard_sources = prefixes_of(guard.get("sources", []))
        self.guard_destinations = prefixes_of(guard.get("destinations", []))
        self.guard_ports = {(PROTOCOLS[port["proto"]], port["port"])
                            for port in guard.get("ports", [])}
        self.entries = list(entries_of(document.get("sets", {})))
        self.origins = Origins(read_feeds(feeds), document.get("origins", {}).get("groups", {}))
        self.services = {name: Service(body)
                         for name, body in document.get("services", {}).items()}
        self.rules = document.get("rules", [])
        self.host = Limit(document["host"]) if "host" in document else None
        self.rule_limits = [self.limit(rule, "rule") for rule in self.rules]
        self.source_limits = {}
        self.now = 0
        self.packets = 0

    @staticmethod
    def limit(rule, level):
        limit = rule.get("limit", {}).get(level)
        return Limit(limit) if limit else None

    def rule_matches(self, rule, service, source):
        """`service` is a name, or None."""
        if "service" in rule and rule["service"] != service:
            return False
        if "origin" in rule and not self.origins.in_group(rule["origin"], source):
            return False
        return "standing" not in rule or self.origins.find(source) is None

    def decide(self, time, frame, whole=None):
        """The line that replay prints for a frame."""
        self.packets += 1
        self.now = max(self.now, time)
        names = {"service": None, "origin": None, "rule": None}
        try:
            packet = parse(frame, len(frame) if whole is None else whole)
            verdict, reason = self.stages(packet, names)
        except Malformed:
            packet = Packet(0)
            verdict, reason = self.document.get("malformed", "drop"), "malformed"
        source = packet.source and socket.inet_ntop(
            socket.AF_INET if len(packet.source) == 4 else socket.AF_INET6, packet.source)
        line = f'{{"packet":{self.packets},"time":{time // 10**9}.{time % 10**9:09}'
        for key, value in (("source", source), *names.items(), ("verdict", verdict),
                           ("reason", reason)):
            line += f',"{key}":{json.dumps(value)}'
        return line + "}"

    def stages(self, packet, names):
        """(verdict, reason) of a packet that is not malformed. Fills in `names`."""
        if packet.source is None:
            arp = self.document.get("link", "pass") == "arp"
            return "drop" if arp and packet.ethertype != 0x0806 else "pass", "link"
        if len(packet.source) == 16 and packet.protocol == ICMP6 and packet.hops == 255 \
                and packet.kind in range(133, 138):
            return "pass", "link"
        if any_holds(self.guard_sources, packet.source) \
                or any_holds(self.guard_destinations, packet.destination) \
                or (packet.protocol, packet.port) in self.guard_ports:
            return "pass", "guard"
        blocks = self.set_verdict(packet.source)
        if blocks is not None:
            return ("drop", "blocked") if blocks else self.allow(packet)
        return self.judge(packet, names)

    def set_verdict(self, source):
        """Whether the sets block the source; None if they do not name it."""
        held = [(prefix[1], blocks) for prefix, blocks, expires in self.entries
                if holds(prefix, source) and (expires is None or self.now < expires)]
        return max(held)[1] if held else None

    def allow(self, packet):
        if self.host:
            self.host.has(packet.size, self.now)
            self.host.charge(packet.size)
        return "pass", "allowed"

    def judge(self, packet, names):
        names["service"] = next((name for name, service in self.services.items()
                                 if service.holds(packet)), None)
        place = self.origins.find(packet.source)
        names["origin"] = place and place[0]
        index = next((index for index, rule in enumerate(self.rules)
                      if self.rule_matches(rule, names["service"], packet.source)), None)
        if index is None:
            return self.document.get("default", "pass"), "default"
        rule = self.rules[index]
        names["rule"] = rule["name"]
        key = source_key(packet.source)
        shed = not admits(rule, self.salt, key) and (rule.get("scope") != "new" or packet.opens)
        if shed and rule.get("else") != "divert":
            return "drop", "shed"
        return self.charge(packet, index, key, shed)

    def charge(self, packet, index, key, diverted):
        if (index, key) not in self.source_limits:
            self.source_limits[index, key] = self.limit(self.rules[index], "source")
        levels = [("source-limit", self.source_limits[index, key]),
                  ("rule-limit", None if diverted else self.rule_limits[index]),
                  ("host-limit", self.host)]
        levels = [(reason, limit) for reason, limit in levels if limit]
        for reason, limit in levels:
            if not limit.has(packet.size, self.now):
                return "drop", reason
        for _, limit in levels:
            limit.charge(packet.size)
        return ("divert", "shed") if diverted else ("pass", "admitted")
