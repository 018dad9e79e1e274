"""The exceptions of extpool. No imports that a worker would have to pay for."""

try:
    from _interpreters import NotShareableError as _Base
except ImportError:
    _Base = TypeError


class NotShareableError(_Base):
    """A value, or something inside it, cannot be sent to another interpreter."""


class TaskInterrupted(Exception):
    """The task was stopped by interrupt() or terminate_workers()."""


class WorkerTerminated(Exception):
    """The task did not stop when told to; its worker was given up."""


class ChannelClosed(Exception):
    """The channel was closed, and nothing is left in it."""


class ChannelPoisoned(ChannelClosed):
    """The channel was poisoned; the text says why."""


class RemoteError(Exception):
    """Stands for an exception that could not be sent; the text has its type and message."""


class RemoteTraceback(Exception):
    """The cause of an exception from a worker: where it was raised there."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text

    def __str__(self):
        return self.text
