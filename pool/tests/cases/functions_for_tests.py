"""What the tests' tasks do; importable by workers."""

import sys
import threading
import time

STATE = {}


def keep_lock(fd, seconds):
    """C code that keeps the interpreter's lock until two bytes are there; then Python code."""
    import ctypes
    import socket
    ctypes.PyDLL(None).recv(fd, ctypes.create_string_buffer(2), 2, socket.MSG_WAITALL)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def identity(value):
    return value


def kind_and_value(value):
    return type(value).__name__, value


def in_which_interpreter():
    return threading.get_ident()


def remember(value):
    STATE["value"] = value


def recall():
    return STATE.get("value")


def fail(kind, *args):
    raise kind(*args)


def fail_chained():
    try:
        {}["missing"]
    except KeyError as error:
        raise ValueError("outer") from error


def fail_with_note():
    error = ValueError("noted")
    error.add_note("look here")
    raise error


class OwnError(Exception):
    def __init__(self, code, detail):
        super().__init__(f"{code}: {detail}")
        self.code = code

    def __reduce__(self):
        return OwnError, (self.code, "again")


class TwoArguments(Exception):
    """Pickles, but cannot be made again from its args."""

    def __init__(self, one, two):
        super().__init__(one)


def fail_two():
    raise TwoArguments("one", "two")


def fail_group():
    raise ExceptionGroup("several", [TwoArguments("one", "two"), ValueError(5)])


def all_frames():
    return len(sys._current_frames())


def exit_task():
    sys.exit(3)


def recurse(depth=0):
    return recurse(depth + 1)


def recurse_in_c():
    import json
    return json.dumps(nested_list(200000))


def nested_list(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


class Loud:
    def __del__(self):
        raise ValueError("from __del__")


def append_loud(items):
    items.append(Loud())


def import_path():
    return sys.path


def spin():
    while True:
        pass


def stubborn(seconds):
    """Deals with one interruption and goes on."""
    end = time.monotonic() + seconds
    caught = 0
    while time.monotonic() < end:
        try:
            while time.monotonic() < end:
                pass
        except KeyboardInterrupt:
            caught += 1
            if caught == 2:
                raise
    return caught


def leak_thread(seconds):
    threading.Thread(target=time.sleep, args=(seconds,)).start()


def leak_low_level_thread(seconds):
    import _thread
    _thread.start_new_thread(time.sleep, (seconds,))


def unsendable():
    return threading.Lock()


class Unpicklable:
    def __reduce__(self):
        raise RuntimeError("not me")


class BadOnArrival:
    """Succeeds in pickling and fails in unpickling."""

    def __reduce__(self):
        return fail, (RuntimeError, "bad on arrival")


def fill(view, value):
    memoryview(view)[:] = bytes([value]) * len(memoryview(view))
    return memoryview(view).nbytes


def view_sum(view):
    return sum(memoryview(view).cast("B")) if memoryview(view).format == "B" else sum(view.view())


def as_view(size):
    return memoryview(b"r" * size)


def make_shared(size):
    import extpool
    shared = extpool.Shared(size)
    shared.view()[:] = b"w" * size
    return shared


def echo(source, sink):
    import extpool
    while True:
        try:
            sink.send(source.receive())
        except extpool.ChannelClosed:
            return "closed"


def send_many(channel, count):
    for number in range(count):
        channel.send(number)
    return count


def receive_forever(channel):
    return channel.receive()


def set_up(value):
    STATE["initialized"] = value


def initialized():
    return STATE.get("initialized")


def use_threads():
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return sum(pool.map(abs, [-1, -2, -3]))


def leave_executor():
    """Leaves a ThreadPoolExecutor open; its threads end with the interpreter."""
    import concurrent.futures
    pool = concurrent.futures.ThreadPoolExecutor(1)
    STATE["pool"] = pool
    return pool.submit(abs, -4).result()
