"""A real use of each package, for private_copies.py: runs in workers and in the program's own
interpreter, which imports the package as usual, and has to give the same there.

Each function takes a number and returns plain values that depend on nothing else."""

import hashlib
import json

WORDS = ("lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "ad\u00edpiscing", "\u0394elit")


def _text(seed, count=200):
    return " ".join(WORDS[(seed * 7 + i * i) % len(WORDS)] + str((seed + i) % 13)
                    for i in range(count))


def _digest(data):
    return hashlib.sha256(data).hexdigest()


def _records(seed):
    return [{"id": i, "name": WORDS[(i + seed) % len(WORDS)], "score": (i * seed) % 97 / 4,
             "tags": list(WORDS[:i % 5]), "none": None, "flag": i % 2 == 0} for i in range(40)]


def use_numpy(seed):
    import numpy as np
    generator = np.random.Generator(np.random.PCG64(seed))
    matrix = generator.standard_normal((24, 24)) + 24 * np.eye(24)
    right = generator.standard_normal(24)
    solved = np.linalg.solve(matrix, right)
    assert np.allclose(matrix @ solved, right)
    eigen = np.sort(np.linalg.eigvalsh(matrix + matrix.T))
    wave = np.fft.ifft(np.fft.fft(right)).real
    assert np.allclose(wave, right)
    objects = np.array([seed, 2 ** 70, "x"] * 5, dtype=object)
    table = np.zeros(6, dtype=[("a", "i4"), ("b", "f8"), ("c", "U4")])
    table["a"] = np.arange(6)[::-1]
    table.sort(order="a")
    when = np.datetime64("2026-01-01") + np.arange(3)
    return [np.round(solved, 6).tolist(), np.round(eigen, 5).tolist(), objects.tolist(),
            table.tolist(), [str(day) for day in when],
            np.einsum("ij,jk->ik", matrix, matrix).round(4).sum().item() // 1,
            np.unique(generator.integers(0, 9, 100), return_counts=True)[1].tolist()]


def use_lxml(seed):
    from lxml import etree, objectify
    source = "<r>" + "".join(f"<a n='{i}'><b>{(seed * i) % 11}</b></a>" for i in range(50)) + "</r>"
    tree = etree.fromstring(source)
    style = etree.XSLT(etree.XML(
        "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>"
        "<xsl:template match='/'><s><xsl:value-of select='sum(//b)'/></s></xsl:template>"
        "</xsl:stylesheet>"))
    try:
        etree.fromstring("<a><b></a>")
        error = None
    except etree.XMLSyntaxError as caught:
        error = caught.code
    return [tree.xpath("count(//a[b > 5])"), str(style(tree)), error,
            objectify.fromstring(source).a[3].b.pyval, len(etree.tostring(tree)),
            [node.get("n") for node in tree.iterfind("a") if node[0].text == "0"]]


def use_orjson(seed):
    import dataclasses
    import datetime
    import orjson

    @dataclasses.dataclass
    class Point:
        x: int
        when: datetime.datetime

    data = orjson.dumps([_records(seed), Point(seed, datetime.datetime(2026, 1, 2, 3, 4, 5))],
                        option=orjson.OPT_SORT_KEYS)
    try:
        orjson.loads(b'{"a": }')
        failed = False
    except orjson.JSONDecodeError:
        failed = True
    return [orjson.loads(data), json.loads(data) == orjson.loads(data), failed]


def use_regex(seed):
    import regex
    text = _text(seed)
    return [regex.findall(r"(?:dolor){e<=1}\d", text)[:20], regex.sub(r"\p{Greek}\w+", "G", text),
            regex.split(r"\s+(?=s)", text)[:5],
            regex.match(r"(?P<w>\w+) (?&w) (?P>w)?", text).groupdict(),
            [m.span() for m in regex.finditer(r"\b\w*t\b", text, overlapped=True)][:9]]


def use_kiwisolver(seed):
    import kiwisolver
    left, middle, right = map(kiwisolver.Variable, ("left", "middle", "right"))
    solver = kiwisolver.Solver()
    solver.addConstraint(middle == (left + right) / 2)
    solver.addConstraint(right == left + 10 + seed)
    solver.addConstraint(left >= 0)
    solver.addEditVariable(middle, "strong")
    found = []
    for value in (3, 50, 2, 70 + seed):
        solver.suggestValue(middle, value)
        solver.updateVariables()
        found.append([left.value(), middle.value(), right.value()])
    try:
        solver.addConstraint(right == left + 9 + seed)
        failed = False
    except kiwisolver.UnsatisfiableConstraint:
        failed = True
    return [found, failed]


def use_simplejson(seed):
    import decimal
    import simplejson
    assert simplejson.encoder.c_make_encoder and simplejson.scanner.c_make_scanner
    data = simplejson.dumps([_records(seed), decimal.Decimal("1.10")], use_decimal=True,
                            sort_keys=True)
    back = simplejson.loads(data, use_decimal=True)
    try:
        simplejson.loads("[1,")
        failed = None
    except simplejson.JSONDecodeError as error:
        failed = error.pos
    return [data, str(back[-1]), failed]


def use_bitarray(seed):
    from bitarray import bitarray, frozenbitarray, util
    bits = bitarray(format(seed * 2654435761 % 2 ** 64, "064b")) * 20
    codes = util.huffman_code({word: i + 1 for i, word in enumerate(WORDS)})
    coded = bitarray(endian="little")
    coded.encode(codes, [WORDS[(seed + i) % 8] for i in range(99)])
    return [bits.count(), (bits ^ (bits >> 3)).tobytes().hex(), list(bits.search(bitarray("101"), 5)),
            list(coded.decode(codes))[:5], util.ba2int(bits[:40]), hash(frozenbitarray("1011")) != 0,
            _digest(util.sc_encode(bits))]


def use_msgpack(seed):
    import datetime
    import msgpack
    when = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    data = msgpack.packb([_records(seed), msgpack.ExtType(5, b"xyz"), when], datetime=True)
    unpacker = msgpack.Unpacker(timestamp=3)
    unpacker.feed(data * 2)
    both = list(unpacker)
    return [_digest(data), both[0][1].code, both[1][2] == when, both[0][0] == _records(seed),
            msgpack.Packer.__module__]


def use_bcrypt(seed):
    import bcrypt
    salt = b"$2b$04$" + hashlib.sha256(bytes([seed % 256])).hexdigest()[:21].encode() + b"e"
    hashed = bcrypt.hashpw(b"secret%d" % seed, salt)
    return [hashed.decode(), bcrypt.checkpw(b"secret%d" % seed, hashed),
            bcrypt.checkpw(b"other", hashed),
            bcrypt.kdf(b"p", b"salt%d" % seed, 16, 1, ignore_few_rounds=True).hex()]


def use_psutil(seed):
    import os
    import psutil
    own = psutil.Process()
    names = sorted(own.memory_info()._fields)
    try:
        psutil.Process(2 ** 22 + 1 + seed)
        failed = False
    except psutil.NoSuchProcess:
        failed = True
    return [own.pid == os.getpid(), own.memory_info().rss > 10 ** 6, names, failed,
            psutil.virtual_memory().total, psutil.cpu_count(), sorted(psutil.net_if_addrs()),
            own.cpu_times().user >= 0, own.num_threads() > 0]


def use_pyyaml(seed):
    import yaml
    assert yaml.__with_libyaml__
    data = yaml.dump(_records(seed), Dumper=yaml.CSafeDumper, allow_unicode=True)
    try:
        yaml.load("a: [1,", Loader=yaml.CSafeLoader)
        failed = None
    except yaml.YAMLError as error:
        failed = error.problem_mark.column
    return [data, yaml.load(data, Loader=yaml.CSafeLoader) == _records(seed), failed,
            [type(event).__name__ for event in yaml.parse("a: &x [1, *x]", Loader=yaml.CLoader)]]


def use_gmpy2(seed):
    import gmpy2
    with gmpy2.context(gmpy2.get_context(), precision=200) as context:
        pi = gmpy2.const_pi()
        root = gmpy2.sqrt(gmpy2.mpfr(seed + 2))
        texts = [str(pi), str(root), str(gmpy2.exp(gmpy2.mpc(1, seed % 7))), context.precision]
    number = gmpy2.mpz(3) ** (100 + seed % 50)
    return [*texts, str(gmpy2.next_prime(number)), str(gmpy2.powmod(7, number, 10 ** 9 + 7)),
            str(gmpy2.fac(60 + seed % 9)), gmpy2.is_prime(2 ** 89 - 1),
            str(gmpy2.mpq(seed, 12) + gmpy2.mpq(1, 3)), gmpy2.popcount(number)]


def use_zstandard(seed):
    import io
    import zstandard
    data = _text(seed, 3000).encode()
    small = zstandard.ZstdCompressor(level=5, write_checksum=True).compress(data)
    stream = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(stream, closefd=False) as writer:
        for start in range(0, len(data), 1000):
            writer.write(data[start:start + 1000])
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(stream.getvalue()))
    try:
        zstandard.ZstdDecompressor().decompress(b"nonsense")
        failed = False
    except zstandard.ZstdError:
        failed = True
    return [zstandard.backend, zstandard.decompress(small) == data, reader.read() == data,
            zstandard.get_frame_parameters(small).content_size, failed]


def use_zope_interface(seed):
    from zope.interface import Interface, implementer, providedBy
    from zope.interface import _zope_interface_coptimizations as fast
    from zope.interface.adapter import AdapterRegistry

    class Shape(Interface):
        pass

    class Round(Shape):
        pass

    @implementer(Round)
    class Ball:
        pass

    registry = AdapterRegistry()
    registry.register([Shape], Interface, "", f"shape{seed}")
    registry.subscribe([Round], Interface, seed)
    found = [registry.lookup([providedBy(Ball())], Interface, "") for _ in range(50)]
    return [set(found).pop(), Round.implementedBy(Ball), Shape.providedBy(Ball()),
            list(registry.subscriptions([Round], Interface)), Shape(Ball(), None) is not None,
            type(providedBy(Ball())).__name__, fast.adapter_hooks.__class__.__name__]


def use_wrapt(seed):
    import wrapt

    @wrapt.decorator
    def twice(wrapped, instance, args, kwargs):
        return wrapped(*args, **kwargs) * 2 + (instance is not None)

    class Thing:
        @twice
        def number(self, value):
            return value

    @twice
    def plain(value):
        return value

    proxy = wrapt.ObjectProxy(list(range(seed % 9)))
    proxy.append(seed)
    return [Thing().number(seed), plain(seed), list(proxy), isinstance(proxy, list),
            plain.__name__, wrapt.ObjectProxy.__module__, repr(wrapt.ObjectProxy(5) + 1)]


def use_apsw(seed):
    import apsw
    connection = apsw.Connection(":memory:")
    connection.create_scalar_function("twist", lambda value: (value * 31 + seed) % 1009, 1)
    cursor = connection.cursor()
    cursor.execute("create table t(a integer primary key, b text, c real)")
    with connection:
        cursor.executemany("insert into t(b, c) values(?, ?)",
                           ((WORDS[i % 8], i / 4) for i in range(200)))
    rows = list(cursor.execute("select b, sum(twist(a)), avg(c) from t group by b order by b"))
    try:
        cursor.execute("select * from nothing")
        failed = None
    except apsw.SQLError as error:
        failed = str(error)
    connection.close()
    return [[list(row) for row in rows], failed]


def use_xxhash(seed):
    import xxhash
    data = _text(seed, 500).encode()
    state = xxhash.xxh3_128(seed=seed)
    for start in range(0, len(data), 100):
        state.update(data[start:start + 100])
    return [xxhash.xxh32_hexdigest(data, seed), xxhash.xxh64_intdigest(data), state.hexdigest(),
            state.copy().digest() == xxhash.xxh3_128_digest(data, seed)]


def use_lz4(seed):
    import lz4.block
    import lz4.frame
    data = _text(seed, 3000).encode()
    packed = lz4.frame.compress(data, compression_level=seed % 8, content_checksum=True)
    block = lz4.block.compress(data, mode="high_compression")
    try:
        lz4.block.decompress(b"\x10\0\0\0nonsense")
        failed = False
    except lz4.block.LZ4BlockError:
        failed = True
    return [lz4.frame.decompress(packed) == data, lz4.block.decompress(block) == data, failed,
            _digest(packed), lz4.frame.get_frame_info(packed)["block_size"]]


def use_msgspec(seed):
    import msgspec
    Item = msgspec.defstruct("Item", [("id", int), ("name", str), ("score", float),
                                      ("tags", list[str]), ("none", None), ("flag", bool)])
    data = msgspec.json.encode(_records(seed))
    items = msgspec.json.decode(data, type=list[Item])
    packed = msgspec.msgpack.encode(items)
    try:
        msgspec.json.decode(b'[{"id": "x"}]', type=list[Item])
        failed = None
    except msgspec.ValidationError as error:
        failed = str(error)
    return [msgspec.to_builtins(items) == _records(seed), _digest(packed), failed,
            msgspec.msgpack.decode(packed, type=list[Item]) == items, repr(items[3])]


def use_greenlet(seed):
    import greenlet

    def produce(count):
        for i in range(count):
            greenlet.getcurrent().parent.switch(i * seed)
        return "end"

    other = greenlet.greenlet(produce)
    found = [other.switch(5 + seed % 5)]
    while not other.dead:
        found.append(other.switch())
    return found


# ---- beyond the list: packages whose modules link to libraries and to each other ----

def use_scipy(seed):
    import numpy as np
    from scipy import integrate, linalg, optimize, sparse, spatial, special, stats
    area = integrate.quad(lambda x: special.jv(2, x), 0, 4 + seed % 5)[0]
    root = optimize.brentq(lambda x: x ** 3 - seed - 1, 0, 1000)
    matrix = sparse.random_array((30, 30), density=0.2, rng=seed) + sparse.eye_array(30) * 9
    solved = sparse.linalg.spsolve(matrix.tocsc(), np.ones(30))
    points = np.random.default_rng(seed).random((40, 3))
    return [round(area, 9), round(root, 9), round(float(np.sum(solved)), 8),
            int(spatial.cKDTree(points).query([0.5, 0.5, 0.5])[1]),
            round(float(stats.norm.cdf(seed % 3)), 9), round(float(linalg.det(np.eye(3) * 2)), 9)]


def use_pandas(seed):
    import io
    import pandas as pd
    frame = pd.DataFrame(_records(seed))
    frame["when"] = pd.date_range("2026-01-01", periods=len(frame), freq="D")
    means = frame.groupby("name").score.mean().sort_index()
    text = io.StringIO(frame.drop(columns="tags").to_csv(index=False))
    back = pd.read_csv(text, parse_dates=["when"])
    return [means.round(6).to_dict(), back.when.dt.month.tolist(),
            frame.set_index("when").score.resample("7D").sum().round(6).tolist(),
            frame.merge(back[["id", "flag"]], on="id").shape]


def use_pillow(seed):
    import io
    from PIL import Image, ImageDraw, ImageFilter
    image = Image.new("RGB", (64, 64), (seed % 256, 20, 90))
    ImageDraw.Draw(image).ellipse((5, 9, 40, 50), fill=(200, seed % 200, 7))
    image = image.filter(ImageFilter.GaussianBlur(2)).resize((40, 30), Image.Resampling.BICUBIC)
    found = []
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        stream = io.BytesIO()
        image.save(stream, kind)
        stream.seek(0)
        found.append(_digest(Image.open(stream).convert("RGB").tobytes()))
    return [found, image.histogram()[:20]]


def use_cryptography(seed):
    from cryptography.fernet import Fernet, InvalidToken
    from cryptography.hazmat.primitives import hashes, hmac
    from cryptography.hazmat.primitives.asymmetric import ed25519
    fernet = Fernet(Fernet.generate_key())
    data = _text(seed).encode()
    key = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(bytes([seed % 256])).digest())
    code = hmac.HMAC(b"key", hashes.SHA256())
    code.update(data)
    try:
        fernet.decrypt(b"nonsense")
        failed = False
    except InvalidToken:
        failed = True
    return [fernet.decrypt(fernet.encrypt(data)) == data, key.sign(data).hex(),
            code.finalize().hex(), failed]


def use_cffi(seed):
    import cffi
    ffi = cffi.FFI()
    ffi.cdef("typedef struct { int a; double b[3]; } pair; int abs(int); "
             "void qsort(void *, size_t, size_t, int (*)(const void *, const void *));")
    library = ffi.dlopen(None)
    values = ffi.new("int[]", [(seed * i) % 17 for i in range(20)])

    @ffi.callback("int(const void *, const void *)")
    def compare(one, other):
        return ffi.cast("const int *", one)[0] - ffi.cast("const int *", other)[0]

    library.qsort(values, len(values), ffi.sizeof("int"), compare)
    pair = ffi.new("pair *", {"a": seed, "b": [1, 2, 3]})
    return [list(values), library.abs(-seed), pair.a, list(pair.b), ffi.sizeof("pair")]
