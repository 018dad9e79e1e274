"""asyncio fetches from a local server, the pool hashes what came.

    PYTHONPATH=build/pool/3.14 python3.14 pool/examples/fetch_and_hash.py

The event loop stays free for the network: run_in_executor() takes an InterpreterPool like any other
executor. The one interpreter that it is compared with is a thread pool with one thread.
"""

import asyncio
import concurrent.futures
import hashlib
import random

import measure
from extpool import InterpreterPool


def tree_hash(body, block=512):
    """Root of the tree of hashes over the blocks of the body."""
    level = [hashlib.sha256(body[i:i + block]).digest() for i in range(0, len(body), block)]
    while len(level) > 1:
        level = [hashlib.sha256(b"".join(level[i:i + 2])).digest()
                 for i in range(0, len(level), 2)]
    return level[0].hex()


async def serve(reader, writer, size):
    """Answers one request: the body of file N are size bytes that N decides."""
    number = int((await reader.readline()).split()[1].strip(b"/"))
    await asyncio.sleep(0.01)  # a server that takes its time
    body = random.Random(number).randbytes(size)
    writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % size + body)
    await writer.drain()
    writer.close()


async def fetch(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /%d HTTP/1.0\r\n\r\n" % number)
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2]


async def fetch_all(executor, count, size):
    """{number: hash} of all files, each hashed by the executor as soon as it is there."""
    loop = asyncio.get_running_loop()

    async def one(number):
        return number, await loop.run_in_executor(executor, tree_hash, await fetch(port, number))

    server = await asyncio.start_server(lambda r, w: serve(r, w, size), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return dict(await asyncio.gather(*map(one, range(count))))


def run(executor, count, size):
    with executor:
        return asyncio.run(fetch_all(executor, count, size))


def main():
    options = measure.options(__doc__)
    count, size = (8, 20_000) if options.small else (40, 2_000_000)
    hashes = measure.compare(
        options.workers, lambda: run(concurrent.futures.ThreadPoolExecutor(1), count, size),
        lambda: run(InterpreterPool(options.workers), count, size))
    for number in range(3):
        print(f"file {number}: {hashes[number]}")


if __name__ == "__main__":
    main()
