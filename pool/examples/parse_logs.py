"""Log files parsed in parallel; the results of each are shown as soon as it is done.

    PYTHONPATH=build/pool/3.14 python3.14 pool/examples/parse_logs.py

as_completed() yields futures in the order in which they finish, so a large file holds nobody up.
"""

import collections
import concurrent.futures
import pathlib
import random
import re
import tempfile

import measure
from extpool import InterpreterPool

LINE = r'(\S+) - - \[([^\]]+)\] "(\w+) (\S+) [^"]*" (\d{3}) (\d+)'


def write_log(path, lines):
    draw = random.Random(path.name)
    with open(path, "w", encoding="ascii") as file:
        for number in range(lines):
            status = draw.choices([200, 304, 404, 500], [80, 12, 6, 2])[0]
            file.write(f'10.0.{draw.randrange(8)}.{draw.randrange(250)} - - [01/Mar/2026:10:00:00'
                       f' +0000] "GET /page/{number % 37} HTTP/1.1" {status} '
                       f'{draw.randrange(90000)}\n')


def parse(path):
    """(lines, bytes, {status: count}) of one log file."""
    pattern = re.compile(LINE)
    sent, statuses = 0, collections.Counter()
    with open(path, encoding="ascii") as file:
        for line in file:
            if match := pattern.match(line):
                statuses[int(match[5])] += 1
                sent += int(match[6])
    return sum(statuses.values()), sent, dict(statuses)


def streamed(executor, paths):
    """{path: what parse() says}, each shown when it is there."""
    results = {}
    with executor:
        futures = {executor.submit(parse, path): path for path in paths}
        for future in concurrent.futures.as_completed(futures):
            path = futures[future]
            results[path] = lines, sent, statuses = future.result()
            print(f"  {pathlib.Path(path).name}: {lines} lines, {sent / 1e6:.1f} MB sent, "
                  f"{statuses.get(500, 0)} errors", flush=True)
    return results


def main():
    options = measure.options(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder, f"server-{number}.log") for number in range(6)]
        for number, path in enumerate(paths, 1):
            write_log(path, (200 if options.small else 60_000) * number)
        names = sorted(map(str, paths), reverse=True)  # the largest first
        results = measure.compare(
            options.workers, lambda: {name: parse(name) for name in names},
            lambda: streamed(InterpreterPool(options.workers), names))
        print(f"{sum(lines for lines, _, _ in results.values())} lines in {len(names)} files")


if __name__ == "__main__":
    main()
