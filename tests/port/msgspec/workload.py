"""What the port of msgspec must do right in every interpreter, and what is timed.

exercise() checks results and raises where one is wrong; CASES are (name, function) for the timing.
"""

import datetime
import decimal
import enum
import typing
import uuid

import msgspec

from expect import check, check_raises


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(msgspec.Struct):
    x: int
    y: float = 0.5


class Base(msgspec.Struct, tag=True):
    name: str


class Derived(Base, tag="derived", order=True):
    tags: typing.List[str] = []
    when: typing.Optional[datetime.datetime] = None
    color: Color = Color.RED
    extra: typing.Union[int, None, msgspec.UnsetType] = msgspec.UNSET


class Frozen(msgspec.Struct, frozen=True, gc=False, array_like=True):
    a: int
    b: str


class Info(typing.TypedDict):
    id: int
    name: str


class Pair(typing.NamedTuple):
    first: int
    second: str


ZONE = datetime.timezone(datetime.timedelta(hours=2))
WHEN = datetime.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=ZONE)
RECORD = Derived("n" * 20, ["a", "b"], WHEN, Color.BLUE)
WIRE = msgspec.json.encode([RECORD] * 20)
PACKED = msgspec.msgpack.encode([RECORD] * 20)
PLAIN = msgspec.json.encode([{"key%d" % i: i, "other": [1.5, None, True]} for i in range(50)])
JSON_LIST = msgspec.json.Decoder(typing.List[Derived])
PACK_LIST = msgspec.msgpack.Decoder(typing.List[Derived])
ENCODER = msgspec.json.Encoder()
PACKER = msgspec.msgpack.Encoder()
POINTS = [Point(i, i / 2) for i in range(50)]


def exercise_structs():
    check(Point(1), Point(x=1, y=0.5))
    check(repr(Point(1)), "Point(x=1, y=0.5)")
    check(hash(Frozen(1, "a")), hash(Frozen(1, "a")))
    check(msgspec.structs.replace(Point(1), x=3).x, 3)
    check(Derived("a") < Derived("b"), True)
    check(RECORD.extra is msgspec.UNSET, True)
    check(type(Point).__name__, "StructMeta")
    check([field.name for field in msgspec.structs.fields(Derived)],
          ["name", "tags", "when", "color", "extra"])
    made = msgspec.defstruct("Made", [("a", int), ("b", str, "x")])
    check(msgspec.json.encode(made(1)), b'{"a":1,"b":"x"}')
    check_raises(TypeError, lambda: Point())


def exercise_coding():
    check(JSON_LIST.decode(WIRE), [RECORD] * 20)
    check(PACK_LIST.decode(PACKED), [RECORD] * 20)
    check(msgspec.json.decode(b'[1,"a"]', type=Frozen), Frozen(1, "a"))
    check(msgspec.json.decode(b'{"id":1,"name":"n"}', type=Info), {"id": 1, "name": "n"})
    check(msgspec.json.decode(b'[1,"b"]', type=Pair), Pair(1, "b"))
    check(msgspec.json.decode(b'"2026-01-02T03:04:05.000678+02:00"', type=datetime.datetime), WHEN)
    number = uuid.UUID(int=77)
    check(msgspec.json.decode(msgspec.json.encode(number), type=uuid.UUID), number)
    price = decimal.Decimal("1.25")
    check(msgspec.json.decode(msgspec.json.encode(price), type=decimal.Decimal), price)
    check(msgspec.convert({"x": "3"}, Point, strict=False), Point(3))
    check(msgspec.to_builtins(Point(1)), {"x": 1, "y": 0.5})
    check(bytes(msgspec.json.decode(b'[1, 2]', type=msgspec.Raw)), b"[1, 2]")
    check(msgspec.msgpack.decode(msgspec.msgpack.encode(msgspec.msgpack.Ext(1, b"x"))),
          msgspec.msgpack.Ext(1, b"x"))
    message = check_raises(msgspec.ValidationError,
                           lambda: msgspec.json.decode(b'{"x":"a"}', type=Point))
    check("Expected `int`, got `str`" in message, True)
    check_raises(msgspec.DecodeError, lambda: msgspec.json.decode(b'{"x":'))
    for text in (PLAIN, WIRE):
        check(msgspec.json.encode(msgspec.json.decode(text)), text)


def exercise(rounds=3):
    for _ in range(rounds):
        exercise_structs()
        exercise_coding()


def make_points():
    for i in range(50):
        Point(i, 1.0)


def compare_points():
    for point in POINTS:
        point == POINTS[0]


CASES = [
    ("json encode structs", lambda: ENCODER.encode(POINTS)),
    ("json decode structs", lambda: JSON_LIST.decode(WIRE)),
    ("json decode untyped", lambda: msgspec.json.decode(PLAIN)),
    ("msgpack encode", lambda: PACKER.encode(POINTS)),
    ("msgpack decode", lambda: PACK_LIST.decode(PACKED)),
    ("convert", lambda: msgspec.convert({"x": 1, "y": 2.0}, Point)),
    ("to_builtins", lambda: msgspec.to_builtins(POINTS)),
    ("make structs", make_points),
    ("compare structs", compare_points),
    ("raise ValidationError", lambda: check_raises(
        msgspec.ValidationError, lambda: msgspec.json.decode(b'{"x":"a"}', type=Point))),
]
