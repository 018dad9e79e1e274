#!/usr/bin/env python3
"""Forgets what tests built or compiled in earlier runs: what is older than two weeks is built anew.

Their keys are contents, so what no source has any more stays for ever otherwise. Byte code of
folders that tests made for themselves goes after a day. Downloads and interpreters are kept."""

import pathlib
import shutil
import sys
import time

import pythons_find

DAYS = {"testmods/*": 14, "shim/*": 14, "port/built-*": 14, "gate-tools/bytecode/tmp/*": 1}


def forget(root, now):
    """Removes old entries below `root`; `now` in seconds of the epoch. Returns how many."""
    count = 0
    for pattern, days in DAYS.items():
        for path in pathlib.Path(root).glob(pattern):
            try:
                if now - path.lstat().st_mtime < days * 86400:
                    continue
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
                count += 1
            except OSError as error:  # another run was quicker, or it is somebody else's
                if not isinstance(error, FileNotFoundError):
                    print(f"{path} stays: {error}", file=sys.stderr)
    return count


if __name__ == "__main__":
    forget(pythons_find.cache_root().parent, time.time())
