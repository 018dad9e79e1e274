"""Files hashed and compressed, by zlib and by lzma, one file per task.

    PYTHONPATH=build/pool/3.14 python3.14 pool/examples/compress_files.py

zlib, lzma and hashlib let go of the lock while they work on large inputs, so threads do well
at this, too. The pool needs no such help: the Python code around the calls is parallel as well.
"""

import hashlib
import lzma
import pathlib
import random
import tempfile
import zlib

import measure
from extpool import InterpreterPool


def pack(path):
    """Writes path.z and path.xz; returns (name, SHA-256, size, sizes of both)."""
    with open(path, "rb") as file:
        content = file.read()
    sizes = []
    for suffix, packed in ((".z", zlib.compress(content, 9)), (".xz", lzma.compress(content))):
        with open(path + suffix, "wb") as file:
            file.write(packed)
        sizes.append(len(packed))
    return path.rpartition("/")[2], hashlib.sha256(content).hexdigest(), len(content), *sizes


def write_text(path, words):
    draw = random.Random(path.name)
    syllables = ["ba", "ko", "mi", "ru", "sen", "ta", "vo", "xi"]
    path.write_text(" ".join("".join(draw.choices(syllables, k=3)) for _ in range(words)),
                    encoding="utf-8")


def main():
    options = measure.options(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder, f"text-{number}.txt") for number in range(8)]
        for path in paths:
            write_text(path, 500 if options.small else 80_000)
        names = list(map(str, paths))

        def pooled():
            with InterpreterPool(options.workers) as pool:
                return list(measure.progress(pool.map(pack, names), len(names)))

        results = measure.compare(options.workers, lambda: list(map(pack, names)), pooled)
        for (name, digest, size, small, smaller), path in zip(results, names):
            for suffix, unpack in ((".z", zlib.decompress), (".xz", lzma.decompress)):
                content = unpack(pathlib.Path(path + suffix).read_bytes())
                if hashlib.sha256(content).hexdigest() != digest:
                    raise SystemExit(f"{name}{suffix} does not give back the text")
            print(f"{name}: {size} bytes, zlib {small}, lzma {smaller}, {digest[:16]}")


if __name__ == "__main__":
    main()
