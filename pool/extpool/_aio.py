"""Channels in asyncio: the event loop watches a descriptor, nobody polls."""

import asyncio
import os


def _descriptor():
    """(to read, to write) of something that becomes readable when written to."""
    if hasattr(os, "eventfd"):
        fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        return fd, fd
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    return reading, writing


async def receive(channel, timeout):
    """What channel.receive_async() awaits."""
    async with asyncio.timeout(timeout):
        try:
            return channel.receive(0)
        except TimeoutError:
            pass
        return await _wait(channel)


async def _wait(channel):
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()
    reading, writing = _descriptor()

    def on_change():
        os.read(reading, 4096)
        changed.set()

    loop.add_reader(reading, on_change)
    watch = channel._watch(writing)
    try:
        while True:
            try:
                return channel.receive(0)
            except TimeoutError:
                await changed.wait()
                changed.clear()
    finally:
        del watch  # before the descriptor goes: senders write to it
        loop.remove_reader(reading)
        for fd in {reading, writing}:
            os.close(fd)
