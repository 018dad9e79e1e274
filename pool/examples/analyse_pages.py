"""Pages fetched from a local server by threads and analysed by the pool.

    PYTHONPATH=build/pool/3.14 python3.14 pool/examples/analyse_pages.py

Threads are right for waiting, interpreters for computing. PageReader is a class of this script, so
workers run the script once to have it, under another name: that is why its main part is guarded.
"""

import collections
import html.parser
import http.server
import random
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import measure
from extpool import InterpreterPool


class PageReader(html.parser.HTMLParser):
    """Counts the links and the words of a page."""

    def __init__(self, page):
        super().__init__()
        self.links, self.words = 0, collections.Counter()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.links += tag == "a" and "href" in dict(attrs)

    def handle_data(self, data):
        self.words.update(data.lower().split())


def analyse(page):
    """(links, the three most frequent words)."""
    reader = PageReader(page)
    return reader.links, reader.words.most_common(3)


def make_page(seed, count):
    words = random.Random(seed).choices(["apple", "bridge", "cloud", "delta"], range(1, 5), k=count)
    return "".join(f'<p>{word} <a href="/{word}">{word}</a></p>' for word in words).encode()


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.pages[int(self.path[1:])])

    log_message = lambda *_: None  # quiet


def run(executor, threads, addresses):
    def one(address):
        with urllib.request.urlopen(address) as answer:
            return executor.submit(analyse, answer.read().decode()).result()

    with executor, ThreadPoolExecutor(threads) as fetchers:
        return list(measure.progress(fetchers.map(one, addresses), len(addresses)))


def main():
    options = measure.options(__doc__)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        count, words = (6, 100) if options.small else (16, 10_000)
        server.pages = [make_page(seed, words) for seed in range(count)]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        addresses = [f"http://127.0.0.1:{server.server_port}/{n}" for n in range(count)]
        results = measure.compare(
            options.workers, lambda: run(ThreadPoolExecutor(1), 1, addresses),
            lambda: run(InterpreterPool(options.workers), 2 * options.workers, addresses))
        server.shutdown()
    print(f"{len(results)} pages, {sum(links for links, _ in results)} links; first: {results[0]}")


if __name__ == "__main__":
    main()
