"""Connects a worker with its Python part: importing this does, once, whatever needs it first."""

import sys

from . import _pool, _worker

sys.modules[__package__]._pool = _pool  # importing does that, but this one was not imported
_worker.prepare(_pool._settings())
