"""run(): a call in a worker of its own name, to join, watch and interrupt."""


class Task:
    """A function that a worker runs: what InterpreterPool.run() returns.

    name: shown by running() and in messages.
    """

    def __init__(self, future, name):
        self._future = future
        self.name = name

    def join(self, timeout=None):
        """Waits at most timeout seconds for the end, whatever it is; whether it was reached."""
        from concurrent.futures import CancelledError
        try:
            self._future.exception(timeout)
        except CancelledError:
            pass
        except TimeoutError:
            return False
        return True

    def result(self, timeout=None):
        """What the function returned, or its exception raised; waits like Future.result()."""
        return self._future.result(timeout)

    def exception(self, timeout=None):
        """The exception of the function, or None; waits like Future.exception()."""
        return self._future.exception(timeout)

    def running(self):
        """Whether a worker is at it."""
        return self._future.running()

    def done(self):
        """Whether it has ended."""
        return self._future.done()

    def interrupt(self):
        """Stops it: see Future.interrupt(); a task not started yet is cancelled."""
        return self._future.cancel() or self._future.interrupt()

    @property
    def future(self):
        """The Future behind it."""
        return self._future

    def __await__(self):
        import asyncio
        return asyncio.wrap_future(self._future).__await__()

    def __repr__(self):
        return f"<extpool.Task {self.name} {self._future._state.lower()}>"
