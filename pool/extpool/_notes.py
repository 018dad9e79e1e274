"""Reads the notes that extcheck's build gate left in a binary; docs/gate.md has the format.

Nothing is loaded, and nothing in the file is believed before it was checked: sizes, the checksum,
the shape of the JSON. Imported by a worker when a module has to be judged, not before."""

OWNER = b"extcheck\0"
TYPE = 0x50794558
FORMAT = 1
CHECKSUM_AT = len(b'{"checksum":"')
CHECKSUM_END = CHECKSUM_AT + 64
_AREA_MAX = 8 << 20  # bytes of notes that are read at a time
_AREAS_MAX = 64
_NOTES_MAX = 10000
_PT_NOTE, _SHT_NOTE = 4, 7
# Where a table's offset, entry size and count stand in the header, then offset and size of the
# bytes in an entry, and the entry's type: (position, bytes) each. By class: 64 bits, 32 bits.
_SEGMENTS = {2: ((32, 8), (54, 2), (56, 2), (8, 8), (32, 8), (0, 4)),
             1: ((28, 4), (42, 2), (44, 2), (4, 4), (16, 4), (0, 4))}
_SECTIONS = {2: ((40, 8), (58, 2), (60, 2), (24, 8), (32, 8), (4, 4)),
             1: ((32, 4), (46, 2), (48, 2), (16, 4), (20, 4), (4, 4))}


class Damaged(Exception):
    """A note is there, or was, and cannot be what the gate wrote."""


def checksum_holds(data):
    """Does this JSON begin with its own SHA-256, taken with the digits as zeros?"""
    if not data.startswith(b'{"checksum":"') or len(data) <= CHECKSUM_END:
        return False
    zeroed = data[:CHECKSUM_AT] + b"0" * 64 + data[CHECKSUM_END:]
    return digest(zeroed).encode() == data[CHECKSUM_AT:CHECKSUM_END]


def digest(data):
    """SHA-256 in hexadecimal digits, without OpenSSL, which takes long to load."""
    return _sha256(data).hexdigest()


def digest_of_file(path):
    running = _sha256(b"")
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            running.update(chunk)
    return running.hexdigest()


def _sha256(data):
    try:
        from _sha2 import sha256
    except ImportError:
        from hashlib import sha256
    return sha256(data)


def read(path):
    """([note as a dict], what is wrong with others of its notes or None); OSError."""
    payloads, wrong = _payloads(path)
    notes = []
    for payload in payloads:
        try:
            notes.append(_parse(payload))
        except Damaged as error:
            wrong = wrong or str(error)
    return notes, wrong


def _parse(payload):
    if not checksum_holds(payload):
        raise Damaged("its checksum does not hold")
    import json
    try:
        note = json.loads(payload.decode("ascii"))
    except (ValueError, RecursionError):
        raise Damaged("it is no JSON") from None
    if not isinstance(note, dict):
        raise Damaged("it is no JSON object")
    if note.get("format") != FORMAT:
        raise Damaged(f"it has format {note.get('format')!r}, this extpool reads {FORMAT}")
    if not isinstance(note.get("module"), str):
        raise Damaged("it names no module")
    return note


def _payloads(path):
    with open(path, "rb") as file:
        head = file.read(64)
        if head[:4] != b"\x7fELF" or len(head) < 52 or head[4:5] not in (b"\1", b"\2"):
            return [], None
        order = "big" if head[5] == 2 else "little"
        found, wrong = [], None
        # The segments are what the loader sees; a linker that made none leaves the sections.
        for layouts, kind in ((_SEGMENTS, _PT_NOTE), (_SECTIONS, _SHT_NOTE)):
            try:
                for offset, size in _areas(file, head, order, layouts[head[4]], kind):
                    _take(_bytes(file, offset, size), order, found)
            except Damaged as error:
                wrong = str(error)
            if found:
                break
        return found, wrong


def _bytes(file, offset, size):
    if size > _AREA_MAX:
        raise Damaged("its notes are too large")
    try:
        file.seek(offset)
    except (OSError, OverflowError, ValueError):
        raise Damaged("its tables point outside of the file") from None
    data = file.read(size)
    if len(data) < size:
        raise Damaged("the file is cut off")
    return data


def _areas(file, head, order, layout, kind):
    def number(data, field, base=0):
        position, size = field
        return int.from_bytes(data[base + position:base + position + size], order)

    at, entry, count = (number(head, field) for field in layout[:3])
    if not at or not count:
        return []
    if entry < layout[4][0] + layout[4][1]:
        raise Damaged("its tables are broken")
    table = _bytes(file, at, entry * count)
    areas = [(number(table, layout[3], base), number(table, layout[4], base))
             for base in range(0, entry * count, entry)
             if number(table, layout[5], base) == kind]
    if len(areas) > _AREAS_MAX:
        raise Damaged("it has too many tables of notes")
    return areas


def _take(data, order, found):
    """Adds the payloads among the notes in data that are extcheck's."""
    at = 0
    for _ in range(_NOTES_MAX):
        if at + 12 > len(data):
            return
        owner_size, size, kind = (int.from_bytes(data[at + k:at + k + 4], order)
                                  for k in (0, 4, 8))
        payload = at + 12 + (owner_size + 3) // 4 * 4
        if payload + size > len(data):
            raise Damaged("a note is cut off")
        if kind == TYPE and data[at + 12:at + 12 + owner_size] == OWNER:
            found.append(data[payload:payload + size])
        at = payload + (size + 3) // 4 * 4
    raise Damaged("it has too many notes")
