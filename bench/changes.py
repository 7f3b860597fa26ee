#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a change costs: asks a running sluiced for changes and times the answers.

    changes.py serial --kind admit|block --count N   one at a time, from request to answer
    changes.py trickle --rate R --seconds S          R single changes a second, by a few clients
    changes.py fill --count N [--count6 N] [--networks N]
                          make a set of N single addresses, of IPv6 too, and of as many /24s

A change is answered once every worker of the data plane enforces it, so the time to its answer
is the time to its effect. Results go to standard output, as one JSON object; before it, of a
trickle, a line `begun` when the first request goes out.
"""

import argparse
import collections
import ipaddress
import json
import select
import socket
import sys
import time

PART = 40000  # entries in one request, which may be 1 MiB long
SET = "bench"


class Client:
    """One connection. A request is made before its time is taken, and read only after."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")
        self.lines.readline()

    def send(self, request):
        self.socket.sendall(request)

    def finish(self):
        answer = json.loads(self.lines.readline())
        if "error" in answer:
            sys.exit(f"changes.py: refused: {answer['error']}")
        return answer["result"]

    def ask(self, method, **params):
        self.send(request_of(method, params))
        return self.finish()


def request_of(method, params):
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return json.dumps(request).encode() + b"\n"


def address(number):
    """Spread over all of IPv4, never twice for numbers below 2^32."""
    return str(ipaddress.ip_address(number * 2654435761 & 0xffffffff))


def address6(number):
    """Likewise in 2a00::/16, each in a /48 of its own."""
    return str(ipaddress.ip_address(0x2a00 << 112 | (number * 2654435761 & 0xffffffff) << 80 | 1))


def network(number):
    """A /24, never twice for numbers below 2^24."""
    return f"{ipaddress.ip_address((number * 2654435761 & 0xffffff) << 8)}/24"


def admit_request(number, options):
    return request_of("rule.admit", {"rule": options.rule, "admit": f"{number % 100}%"})


def block_request(number, options):
    """A block, then the unblock of the same address, then the next one."""
    single = address(0xf0000000 + options.first + number // 2)
    if number % 2:
        return request_of("set.remove", {"set": SET, "prefixes": [single]})
    return request_of("set.add", {"set": SET, "verdict": "block", "entries": [single]})


KINDS = {"admit": admit_request, "block": block_request}


def spread(times_s):
    """Percentiles in microseconds, by the nearest rank."""
    ordered = sorted(times_s)
    ranks = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
    result = {name: ordered[min(len(ordered) - 1, int(rank * len(ordered)))]
              for name, rank in ranks.items()}
    result["max"] = ordered[-1]
    return {f"{name}_us": round(value * 1e6, 1) for name, value in result.items()}


def serial(options):
    client = Client(options.socket)
    times = []
    for number in range(options.count):
        request = KINDS[options.kind](number, options)
        began = time.perf_counter()
        client.send(request)
        client.finish()
        times.append(time.perf_counter() - began)
        if options.pause:
            time.sleep(options.pause)
    return {"kind": options.kind, "changes": len(times), **spread(times)}


class Sender(Client):
    """Sends without waiting for answers, which come in the order of its requests."""

    def __init__(self, path):
        super().__init__(path)
        self.due, self.begun = collections.deque(), b""

    def take(self):
        """When those were due whose answers have come."""
        *lines, self.begun = (self.begun + self.socket.recv(1 << 20)).split(b"\n")
        for line in lines:
            if b'"result"' not in line:
                sys.exit(f"changes.py: refused: {line.decode()}")
        return [self.due.popleft() for _ in lines]


def trickle(options):
    """Open loop: a request goes out when it is due, whether or not others were answered. A block
    and its unblock go by the same connection."""
    senders = [Sender(options.socket) for _ in range(options.clients)]
    poll = select.poll()
    by_fd = {sender.socket.fileno(): sender for sender in senders}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    total = int(options.rate * options.seconds)
    requests = [KINDS[options.kind](number, options) for number in range(total)]
    times, sent = [], 0
    print("begun", flush=True)
    began = time.perf_counter()
    while len(times) < total:
        now = time.perf_counter()
        if now > began + options.seconds:
            total = sent  # it does not keep up: what is under way is all
        ready = min(total, int((now - began) * options.rate) + 1)
        for number in range(sent, ready):
            sender = senders[number // 2 % len(senders)]
            sender.due.append(began + number / options.rate)
            sender.send(requests[number])
        sent = ready
        for fd, _ in poll.poll(1 if sent < total else 1000):
            came = by_fd[fd].take()
            now = time.perf_counter()
            times += [now - due for due in came]
    seconds = time.perf_counter() - began
    return {"kind": options.kind, "changes": len(times), "wanted_per_s": options.rate,
            "reached_per_s": round(len(times) / seconds), **spread(times)}


def fill_parts(options):
    """What to fill the set with, as many entries at a time as a request holds."""
    for make, count in ((address, options.count), (address6, options.count6),
                        (network, options.networks)):
        for at in range(0, count, PART):
            yield [make(number) for number in range(at, min(at + PART, count))]


def fill(options):
    """In parts of one transaction, so that it is one change. The next part is made while the
    daemon works on one."""
    client = Client(options.socket)
    total = options.count + options.count6 + options.networks
    began, sent = time.perf_counter(), 0
    for entries in fill_parts(options):
        request = request_of("set.add", {"set": SET, "verdict": "block", "entries": entries,
                                         "more": sent + len(entries) < total})
        if sent:
            client.finish()
        client.send(request)
        sent += len(entries)
    answer = client.finish()
    return {"entries": total, "seconds": round(time.perf_counter() - began, 2),
            "took_us": answer["took_us"]}


def options_read():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--socket", default="/run/sluice/control.sock")
    parser.add_argument("--rule", default="front", help="whose share `admit` changes")
    parser.add_argument("--first", type=int, default=0,
                        help="whose address `block` begins with: those of runs on one daemon "
                        "should differ, as the layers of its sets fill by distinct ones")
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("serial")
    one.add_argument("--kind", choices=KINDS, default="admit")
    one.add_argument("--count", type=int, default=1000)
    one.add_argument("--pause", type=float, default=0, help="seconds between changes")
    many = verbs.add_parser("trickle")
    many.add_argument("--kind", choices=KINDS, default="block")
    many.add_argument("--rate", type=float, default=10000, help="changes a second")
    many.add_argument("--seconds", type=float, default=5)
    many.add_argument("--clients", type=int, default=4)
    filled = verbs.add_parser("fill")
    filled.add_argument("--count", type=int, default=10000000)
    filled.add_argument("--count6", type=int, default=0)
    filled.add_argument("--networks", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    chosen = options_read()
    print(json.dumps({"serial": serial, "trickle": trickle, "fill": fill}[chosen.verb](chosen)))
