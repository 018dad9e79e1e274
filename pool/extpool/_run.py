"""`python -m extpool run`: lines in, calls in workers, lines out.

A thread reads lines and submits them while a semaphore has room; the main thread prints what is
done, in order or as it comes, and gives the room back. Nobody polls.
"""

import os
import queue
import signal
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, CancelledError

from . import _lines

LINE_MAX = 256 * 1024 * 1024  # bytes; what has no end of line until then is not lines
_QUIET = 2.0  # seconds before the first progress message
_PAUSE = {True: 0.5, False: 5.0}  # seconds between two of them, on a terminal or not
_END_TIMEOUT = 2.0  # seconds that interrupted calls get to end


class Run:
    """One run of the command, from its inputs to the exit code."""

    def __init__(self, pool, names, options, buffer):
        self._pool = pool
        self._names = names
        self._options = options
        self._buffer = buffer
        self._room = threading.Semaphore(buffer)
        self._items = queue.SimpleQueue()  # (name, line number, future or exception), None: end
        self._stop = False
        self._watcher = None  # the thread that ends the run as nobody reads its results
        self._given_up = 0
        self._code = 0
        self._out = sys.stdout
        self._progress = None
        self.done = self.failed = 0

    def finish(self):
        """Runs to the end and returns the exit code, also for Ctrl-C and broken pipes."""
        self._progress = _Progress.start(self, self._options.progress)
        threading.Thread(target=self._read, daemon=True, name="extpool-reader").start()
        threading.Thread(target=self._watch, daemon=True, name="extpool-watcher").start()
        whole = False
        try:
            whole = self._print_all()
            if not whole and self._watcher:
                raise BrokenPipeError
            self._out.flush()
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second one ends it at once
            self._code = 130
        except OSError as error:
            self._output_failed(error)
        self._stop = True
        if self._progress:
            self._progress.end()
        if whole:
            self._pool.shutdown()
        else:
            self._abandon()
        return self._code

    def _output_failed(self, error):
        self._code = 141 if isinstance(error, BrokenPipeError) else 2
        if self._code == 2:
            self.say(f"cannot write results: {error.strerror or error}")
        nowhere = os.open(os.devnull, os.O_WRONLY)  # for what is still in the buffer
        os.dup2(nowhere, self._out.fileno())
        os.close(nowhere)

    def _watch(self):
        """Ends calls when the reader of the results leaves, such as a program that was killed:
        nothing else would end one that runs for ever."""
        import select
        try:
            watched = select.poll()
            watched.register(self._out.fileno(), 0)  # hang-ups and errors only
            watched.poll()
        except (AttributeError, OSError, ValueError):
            return  # no such thing here
        if not self._stop:
            self._watcher = threading.current_thread()
            self._items.put((None, 0, BrokenPipeError()))
            self._given_up = self._pool.terminate_workers(_END_TIMEOUT)

    def _abandon(self):
        if self._watcher:
            self._watcher.join()
        if self._pool.terminate_workers(_END_TIMEOUT) or self._given_up:
            self.say("calls that did not stop when told to were given up")
            self._out.flush()
            os._exit(self._code)

    def say(self, text):
        """A line on stderr, whatever the progress line looks like."""
        if self._progress:
            self._progress.clear()
        try:
            print(f"extpool: {text}", file=sys.stderr, flush=True)
        except (OSError, AttributeError):
            pass  # nobody listens

    # ---- the reading thread ----

    def _read(self):
        name, number = None, 0
        try:
            for name in self._names:
                number = 0
                with _open(name) as file:
                    while not self._stop and (line := file.readline(LINE_MAX)):
                        number += 1
                        if len(line) >= LINE_MAX:
                            raise ValueError(f"a line of more than {LINE_MAX} bytes")
                        if not line.isspace():
                            self._submit(name, number, line)
        except Exception as error:
            self._items.put((name, number, error))
        for _ in range(self._buffer):  # have it all back: everything is printed
            self._room.acquire()
        self._items.put(None)

    def _submit(self, name, number, line):
        self._room.acquire()
        try:
            future = self._pool.submit(_lines.call, self._options.function, self._options.star,
                                       line)
        except BaseException:
            self._room.release()
            raise
        if self._options.unordered:
            future.add_done_callback(lambda done: self._items.put((name, number, done)))
        else:
            self._items.put((name, number, future))

    # ---- the printing thread ----

    def _take(self):
        """The next item; what is printed already leaves the buffer before this waits."""
        try:
            return self._items.get_nowait()
        except queue.Empty:
            self._out.flush()
            return self._items.get()

    def _print_all(self):
        """Prints until the end; False when it stopped before it."""
        while (item := self._take()) is not None:
            if self._watcher:
                return False
            name, number, future = item
            if isinstance(future, Exception):
                if not self._reading_failed(name, number, future):
                    return False
                continue
            if not self._print(name, number, future):
                return False
            self._room.release()
        return True

    def _reading_failed(self, name, number, error):
        if isinstance(error, BrokenExecutor):
            self._code = 1
            self.say(error)
            return False
        self._code = 2
        reason = getattr(error, "strerror", None) or error
        self.say(f"{self._place(name, number)}: {reason}; nothing is read after it")
        return True

    def _print(self, name, number, future):
        """Prints one result or failure; False to go no further."""
        if not future.done():
            self._out.flush()
        try:
            error = future.exception()
        except CancelledError as cancelled:
            error = cancelled
        if self._watcher:
            return False
        if error is None:
            self.done += 1
            self._write(name, number, "result", future.result())
            return True
        self.failed += 1
        self._code = self._code or 1
        if isinstance(error, BrokenExecutor):
            self.say(error)
            return False
        told = _lines.describe(error)
        self.say(f"{self._place(name, number)}: {told}")
        if self._options.traceback and error.__cause__ is not None:
            print(str(error.__cause__).strip(), file=sys.stderr)
        if self._options.numbered:
            self._write(name, number, "error", _lines.dump(told))
        return not self._options.fail_fast

    def _write(self, name, number, key, text):
        if self._options.numbered:
            file = f'"file": {_lines.dump(name)}, ' if len(self._names) > 1 else ""
            text = f'{{{file}"line": {number}, "{key}": {text}}}'
        self._out.write(text + "\n")

    def _place(self, name, number):
        return f"line {number}" if len(self._names) < 2 else f"{name}:{number}"


def _open(name):
    """Not sys.stdin: a thread that waits in it when the program ends would upset the end."""
    return open(0, "rb", closefd=False) if name == "-" else open(name, "rb")


class _Progress:
    """Tells on stderr how far a run is, from a thread of its own."""

    @classmethod
    def start(cls, run, asked):
        """None when nobody wants it: results on a terminal show how far it is themselves."""
        if sys.stderr is None:
            return None
        terminal = sys.stderr.isatty()
        if not asked and (not terminal or sys.stdout.isatty()):
            return None
        return cls(run, terminal)

    def __init__(self, run, terminal):
        self._run = run
        self._terminal = terminal
        self._begin = time.monotonic()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._shown = False
        self._thread = threading.Thread(target=self._tell, daemon=True, name="extpool-progress")
        self._thread.start()

    def _tell(self):
        pause = _QUIET
        while not self._ended.wait(pause):
            self._show()
            pause = _PAUSE[self._terminal]

    def _show(self, end=False):
        run, seconds = self._run, time.monotonic() - self._begin
        total = run.done + run.failed
        failed = f", {run.failed} failed" if run.failed else ""
        text = f"extpool: {total} lines done{failed}, {total / seconds:.1f}/s, {seconds:.0f} s"
        with self._lock:
            start = "\r\x1b[K" if self._terminal else ""
            sys.stderr.write(start + text + ("" if self._terminal and not end else "\n"))
            sys.stderr.flush()
            self._shown = self._terminal and not end

    def clear(self):
        """Makes the line free for a message."""
        with self._lock:
            if self._shown:
                sys.stderr.write("\r\x1b[K")
                self._shown = False

    def end(self):
        """Leaves the last state on the screen, if there was any to see."""
        self._ended.set()
        self._thread.join()
        if time.monotonic() - self._begin >= _QUIET:
            self._show(end=True)
