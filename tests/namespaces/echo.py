#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Connections that last, and whether they went on:

    echo.py serve ADDRESS PORT               sends back what comes
    echo.py ask ADDRESS PORT SOURCE...       one connection from each source, on each a numbered
                                             line every 20 ms, which must come back in its turn

`ask` prints a line of numbers every 100 ms: lines sent on each connection, and the least that came
back on any. At SIGTERM it prints the longest wait between two answers, in ms, and ends with 1 if a
connection broke or an answer was wrong."""

import asyncio
import signal
import sys
import time

EVERY_S, REPORT_S, OPEN_S = 0.02, 0.1, 10


async def serve(address, port):
    async def echo(reader, writer):
        try:
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        except ConnectionError:  # as it ends when the other one is ended
            pass
        writer.close()

    server = await asyncio.start_server(echo, address, int(port))
    async with server:
        await server.serve_forever()


class Connection:
    """One that asks."""

    def __init__(self):
        self.asked = self.answered = 0
        self.longest_s = 0.0

    async def open(self, address, port, source):
        self.reader, self.writer = await asyncio.wait_for(
            asyncio.open_connection(address, int(port), local_addr=(source, 0)), OPEN_S)

    async def ask(self):
        while True:
            self.writer.write(b"%d\n" % self.asked)
            self.asked += 1
            await asyncio.sleep(EVERY_S)

    async def listen(self):
        last = time.monotonic()
        while True:
            line = await self.reader.readline()
            if line != b"%d\n" % self.answered:
                raise ConnectionError(f"answer {self.answered} was {line}")
            self.answered += 1
            now = time.monotonic()
            self.longest_s, last = max(self.longest_s, now - last), now


async def report(connections):
    while True:
        print(min(one.asked for one in connections), min(one.answered for one in connections),
              flush=True)
        await asyncio.sleep(REPORT_S)


async def ask(address, port, *sources):
    connections = [Connection() for _ in sources]
    for one, source in zip(connections, sources):
        await one.open(address, port, source)
    work = asyncio.gather(report(connections), *(one.ask() for one in connections),
                          *(one.listen() for one in connections))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        print(f"{max(one.longest_s for one in connections) * 1000:.0f}", flush=True)


def main():
    what, *rest = sys.argv[1:]
    try:
        asyncio.run({"serve": serve, "ask": ask}[what](*rest))
    except (OSError, asyncio.TimeoutError) as failure:
        sys.exit(f"echo.py {what}: {failure or type(failure).__name__}")


main()
