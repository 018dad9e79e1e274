"""threading.Event as far as CPython's tests of wait() need it, across interpreters."""

import extpool


class ChannelEvent:
    def __init__(self):
        self.channel = extpool.Channel()

    def set(self):
        self.channel.close()

    def is_set(self):
        return self.channel.closed

    def wait(self):
        try:
            self.channel.receive()
        except extpool.ChannelClosed:
            return True
        return False
