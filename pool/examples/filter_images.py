"""Images blurred in parallel, in memory that all workers see without a copy.

    PYTHONPATH=build/pool/3.14 python3.14 pool/examples/filter_images.py [--small]

Every image is a PPM file in a Shared buffer; a second buffer gets the result. A task is a band of
rows: it gets both buffers and two numbers, and nothing but None travels back. Bands of one image
write to different bytes; Shared memory has no locks, so tasks must not write to the same place.
"""

import random

import measure
from extpool import InterpreterPool, Shared


def make_image(width, height, seed):
    """A PPM file: a slope of colours with noise on it."""
    noise = random.Random(seed).randbytes(width * height * 3)
    pixels = bytes((i * 7 + noise[i] // 2) % 256 for i in range(len(noise)))
    return b"P6 %d %d 255\n" % (width, height) + pixels


def blur(source, target, first, last):
    """Rows first to before last of target: the mean of each 3 x 3 square of source."""
    pixels, out = source.view(), target.view()
    header = bytes(pixels[:40]).split(b"\n")[0]
    width, height = map(int, header.split()[1:3])
    start, stride = len(header) + 1, width * 3
    for y in range(first, min(last, height)):
        rows = [bytes(pixels[start + row * stride:start + (row + 1) * stride])
                for row in (max(y - 1, 0), y, min(y + 1, height - 1))]
        columns = [a + b + c for a, b, c in zip(*rows)]
        columns = columns[:3] + columns + columns[-3:]  # the edge stands for what is beyond it
        out[start + y * stride:start + (y + 1) * stride] = bytes(
            (a + b + c) // 9 for a, b, c in zip(columns, columns[3:], columns[6:]))


def blurred(files, height, run):
    """The blurred files; run(bands) has blur() called for each of the bands."""
    sources = list(map(Shared, files))
    targets = [Shared(bytearray(file)) for file in files]
    bands = [(source, target, first, first + 16) for source, target in zip(sources, targets)
             for first in range(0, height, 16)]
    run(bands)
    return [bytes(target.view()) for target in targets]


def main():
    options = measure.options(__doc__)
    width, height = (64, 48) if options.small else (640, 480)
    files = [make_image(width, height, seed) for seed in range(4)]

    def one_by_one(bands):
        for band in bands:
            blur(*band)

    def pooled(bands):
        with InterpreterPool(options.workers) as pool:
            for _ in measure.progress(pool.map(blur, *zip(*bands)), len(bands)):
                pass

    images = measure.compare(options.workers, lambda: blurred(files, height, one_by_one),
                             lambda: blurred(files, height, pooled))
    for name, image in zip("abcd", images):
        pixels = image[-3 * width * height:]
        print(f"image {name}: {width} x {height}, mean {sum(pixels) / len(pixels):.2f}")


if __name__ == "__main__":
    main()
