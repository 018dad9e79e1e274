"""Extract, transform, load: asyncio takes rows in, the pool transforms them, SQLite gets them.

    PYTHONPATH=build/pool/3.14 python3.14 pool/examples/etl_pipeline.py

Rows come from a local server and go to the pool in batches: a batch costs one round trip. At most
two batches per worker are on their way, so a slow step slows down the reading and memory stays
bounded. Batches are loaded in their order, by the program's interpreter.
"""

import asyncio
import collections
import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import measure
from extpool import InterpreterPool

INSERT = "INSERT INTO weather VALUES (?, ?, ?, ?)"
QUERY = "SELECT sum(count), round(sum(celsius) / 1000.0 / sum(count), 2) FROM weather GROUP BY day"


def transform(text):
    """Rows (day, sensor, measurements, sum of Celsius / 1000) of the lines in a batch."""
    sums = {}
    for line in text.decode().splitlines():
        fields = dict(field.split("=", 1) for field in line.split(";"))
        if fields["f"] != "?":
            row = sums.setdefault((fields["t"], fields["sensor"]), [0, 0])
            row[0] += 1
            row[1] += round((float(fields["f"]) - 32) * 1000 / 1.8)
    return [(*key, *row) for key, row in sums.items()]


async def batches(port):
    """The server's answer in pieces of whole lines."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 18)
    rest = b""
    while piece := await reader.read(1 << 18):
        whole, _, rest = (rest + piece).rpartition(b"\n")
        yield whole
    writer.close()


async def pipeline(executor, most, content):
    async def serve(_, writer):
        writer.write(content)
        writer.close()

    loop = asyncio.get_running_loop()
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE weather (day, sensor, count, celsius)")
    waiting = collections.deque()
    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        async for text in batches(server.sockets[0].getsockname()[1]):
            waiting.append(loop.run_in_executor(executor, transform, text))
            if len(waiting) >= most:
                database.executemany(INSERT, await waiting.popleft())
        for future in waiting:
            database.executemany(INSERT, await future)
    with contextlib.closing(database):
        return database.execute(QUERY).fetchall()


def main():
    options = measure.options(__doc__)
    content = "".join(f"t=2026-03-{n % 28 + 1:02};sensor=S{n % 7};f={n % 90 if n % 50 else '?'}\n"
                      for n in range(5000 if options.small else 400_000)).encode()

    def run(executor, most):
        with executor:
            return asyncio.run(pipeline(executor, most, content))

    days = measure.compare(options.workers, lambda: run(ThreadPoolExecutor(1), 2),
                           lambda: run(InterpreterPool(options.workers), 2 * options.workers))
    print(f"{sum(count for count, _ in days)} rows of {len(days)} days; first day: {days[0]}")


if __name__ == "__main__":
    main()
