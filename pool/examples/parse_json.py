"""Four large JSON files parsed in parallel.

    PYTHONPATH=build/pool/3.14 python3.14 pool/examples/parse_json.py

What travels decides: the tasks get a path and give back a summary. Sending the parsed values back
would cost about as much as parsing them, since every object is made again in the program.
"""

import collections
import json
import pathlib
import random
import tempfile

import measure
from extpool import InterpreterPool


def write_orders(path, count, seed):
    """A JSON file with that many orders."""
    draw = random.Random(seed)
    orders = [{"id": number, "country": draw.choice(["AT", "DE", "FR", "PT"]),
               "items": [{"name": f"article {draw.randrange(500)}", "cents": draw.randrange(5000)}
                         for _ in range(draw.randrange(1, 5))], "note": None, "paid": True}
              for number in range(count)]
    path.write_text(json.dumps(orders, indent=1), encoding="utf-8")


def cents_by_country(path):
    """What the orders of one file sum up to: {country: cents}."""
    with open(path, encoding="utf-8") as file:
        orders = json.load(file)
    sums = collections.Counter()
    for order in orders:
        sums[order["country"]] += sum(item["cents"] for item in order["items"])
    return dict(sums)


def total(summaries):
    sums = collections.Counter()
    for summary in summaries:
        sums.update(summary)
    return dict(sums)


def main():
    options = measure.options(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(pathlib.Path(folder, f"orders-{number}.json")) for number in range(4)]
        for seed, path in enumerate(paths):
            write_orders(pathlib.Path(path), 500 if options.small else 40_000, seed)
        size = sum(pathlib.Path(path).stat().st_size for path in paths)

        def pooled():
            with InterpreterPool(options.workers) as pool:
                return total(measure.progress(pool.map(cents_by_country, paths), len(paths)))

        sums = measure.compare(options.workers, lambda: total(map(cents_by_country, paths)),
                               pooled)
        print(f"{len(paths)} files, {size / 1e6:.1f} MB")
        for country in sorted(sums):
            print(f"{country}: {sums[country] / 100:.2f}")


if __name__ == "__main__":
    main()
