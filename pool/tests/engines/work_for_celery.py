"""A Celery application as docs/distributed.md describes it; its broker is a folder."""

import os
import pathlib

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown

import extpool

FOLDER = pathlib.Path(os.environ["EXTPOOL_CELERY_FOLDER"])

app = Celery("work", broker="filesystem://", backend=f"file://{FOLDER}/results")
app.conf.broker_transport_options = {"data_folder_in": str(FOLDER / "queue"),
                                     "data_folder_out": str(FOLDER / "queue"),
                                     "control_folder": str(FOLDER / "control")}
app.conf.broker_connection_retry_on_startup = True


def heavy(n):
    return sum(i * i % 7 for i in range(20000 + n)), extpool.in_worker()


@app.task
def one(n):
    return extpool.offload(heavy)(n)


@app.task
def many(numbers):
    """Several calls in parallel inside one task."""
    futures = [extpool.offload(heavy).submit(n) for n in numbers]
    return [future.result()[0] for future in futures]


@app.task
def fail():
    return extpool.offload(int)("no number")


@worker_process_init.connect
def begin(**_):
    extpool.configure_offload(max_workers=2)


@worker_process_shutdown.connect
def end(**_):
    extpool.close_offload()
