#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a change costs: asks a running sluiced for changes and times the answers.

    changes.py serial --kind admit|block --count N   one at a time, from request to answer
    changes.py trickle --rate R --seconds S          R single changes a second, by a few clients
    changes.py fill --count N                        make a set of N single addresses

A change is answered once every worker of the data plane enforces it, so the time to its answer
is the time to its effect. Results go to standard output, as one JSON object.
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


def fill(options):
    """In parts of one transaction, so that it is one change."""
    client = Client(options.socket)
    began = time.perf_counter()
    for at in range(0, options.count, PART):
        last = at + PART >= options.count
        entries = [address(number) for number in range(at, min(at + PART, options.count))]
        answer = client.ask("set.add", set=SET, verdict="block", entries=entries, more=not last)
    return {"entries": options.count, "seconds": round(time.perf_counter() - began, 2),
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
    verbs.add_parser("fill").add_argument("--count", type=int, default=10000000)
    return parser.parse_args()


if __name__ == "__main__":
    chosen = options_read()
    print(json.dumps({"serial": serial, "trickle": trickle, "fill": fill}[chosen.verb](chosen)))
