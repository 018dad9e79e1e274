"""Running long commands quietly: output to a log, progress to stderr."""

import subprocess
import sys
import time

QUIET_SECONDS = 2
REPORT_SECONDS = 15


class ProvideError(Exception):
    """An interpreter could not be provided."""


class DownloadError(ProvideError):
    """Its download failed: nothing this machine or this project did wrong."""


class MissingTool(ProvideError):
    """A program that is needed is not installed."""


def say(text):
    print(f"pythons: {text}", file=sys.stderr, flush=True)


def run_logged(command, label, log, cwd=None, env=None):
    """Runs the command; its output goes to the end of log. Returns the exit code."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as output:
        print("$ " + " ".join(map(str, command)), file=output, flush=True)
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                     stderr=subprocess.STDOUT, cwd=cwd, env=env)
        except FileNotFoundError as error:
            raise MissingTool(f"{command[0]} is not installed") from error
        return _watch(child, label)


def _watch(child, label):
    started = time.monotonic()
    next_report = QUIET_SECONDS
    try:
        while True:
            try:
                return child.wait(timeout=max(0.1, started + next_report - time.monotonic()))
            except subprocess.TimeoutExpired:
                spent = int(time.monotonic() - started)
                say(f"{label} ..." if spent < REPORT_SECONDS else f"{label}, {spent} s")
                next_report = (spent // REPORT_SECONDS + 1) * REPORT_SECONDS
    except BaseException:
        child.terminate()
        child.wait()
        raise


def must_run(command, label, log, cwd=None, env=None):
    code = run_logged(command, label, log, cwd=cwd, env=env)
    if code != 0:
        raise ProvideError(f"{label} failed (exit {code}), see {log}")
