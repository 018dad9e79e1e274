"""Nothing but the standard library: where this fails, the interpreter itself does."""

import datetime
import decimal
import enum
import json
import uuid


class Color(enum.Enum):
    RED = "red"


def exercise():
    for _ in range(3):
        zone = datetime.timezone(datetime.timedelta(hours=2))
        when = datetime.datetime(2026, 1, 2, tzinfo=zone)
        assert datetime.datetime.fromisoformat(when.isoformat()) == when
        assert decimal.Decimal("1.25") + 1 == decimal.Decimal("2.25")
        assert json.loads(json.dumps({"a": [1, str(uuid.UUID(int=7))]}))["a"][0] == 1
        assert Color("red") is Color.RED
