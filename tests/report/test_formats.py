"""GitHub, GitLab and JUnit: what their readers rely on."""

import re
import xml.etree.ElementTree

from report_output import SAMPLES, load_json, print_report

ANNOTATION = re.compile(r"::(error|warning|notice) ((?:\w+=[^,:]*)(?:,\w+=[^,:]*)*)::([^\r\n]*)")


def check_junit():
    for sample in SAMPLES:
        top = xml.etree.ElementTree.fromstring(print_report("junit", sample))
        assert top.tag == "testsuites"
        for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
            assert int(top.get(name)) == len(list(top.iter(tag))), (sample, name)
            for suite in top:
                assert int(suite.get(name)) == len(list(suite.iter(tag))), suite.get("name")
    top = xml.etree.ElementTree.fromstring(print_report("junit", "mixed"))
    suites = {suite.get("name"): suite for suite in top}
    assert set(suites) >= {"src/spam.c", "src/clean.c", "src/alpha.c", "src/odd name,%:ü.c"}
    clean, = suites["src/clean.c"]
    assert len(clean) == 0 and clean.get("name") == "no findings"
    messages = [failure.get("message") for failure in top.iter("failure")]
    assert "no line\nbut a second one, 100 %: \uFFFD[31mred\u202E" in messages
    assert not any("Py_NewRef" in message for message in messages), "advice is no failure"


def parse_annotations(sample):
    """As GitHub's runner does it: split at ',' and '=', then decode."""
    decode = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}
    rows = []
    for line in print_report("github", sample).decode("utf-8", "strict").splitlines():
        match = ANNOTATION.fullmatch(line)
        assert match, line
        level, properties, message = match.groups()
        values = dict(item.split("=", 1) for item in properties.split(","))
        values = {k: re.sub("%[0-9A-F]{2}", lambda m: decode[m.group()], v)
                  for k, v in values.items()}
        rows.append((level, values, message))
    return rows


def check_github():
    rows = parse_annotations("mixed")
    rank = ["error", "warning", "notice"]
    assert [r[0] for r in rows] == sorted((r[0] for r in rows), key=rank.index)
    assert "src/odd name,%:ü.c" in [r[1].get("file") for r in rows]
    tabbed, = [r[1] for r in rows if r[2].startswith("an object behind")]
    assert (tabbed["line"], tabbed["col"], tabbed["endColumn"]) == ("10", "29", "38"), tabbed
    assert len([r for r in rows if "analysed" in r[1]["title"]]) == 2
    rows = parse_annotations("many")
    assert sum(r[0] == "error" for r in rows) == 12, "all are written, though GitHub drops two"
    dropped, = [i for i, r in enumerate(rows) if "2 errors, 0 warnings, 3 notices" in r[2]]
    assert dropped == 12, "in front of the notices, where it is shown"
    assert parse_annotations("empty") == []


def check_gitlab():
    assert load_json("gitlab", "empty") == []
    for sample in ("mixed", "many"):
        rows = load_json("gitlab", sample)
        prints = [row["fingerprint"] for row in rows]
        assert len(set(prints)) == len(prints), "GitLab drops a fingerprint it has seen"
        for row in rows:
            assert set(row) == {"description", "check_name", "fingerprint", "severity", "location"}
            assert row["severity"] in {"info", "major", "blocker"}
            assert row["location"]["lines"]["begin"] >= 1
            assert not row["location"]["path"].startswith("./")
    descriptions = [row["description"] for row in load_json("gitlab", "mixed")]
    assert "suppressed in the source" not in descriptions


def check_terminal_is_safe():
    for report_format in ("full", "concise", "github"):
        text = print_report(report_format, "mixed").decode("utf-8", "strict")
        assert not re.search("[\x00-\x09\x0B-\x1F\x7F-\x9F\u202A-\u202E]", text), report_format
        assert "MUST NOT APPEAR" not in text


check_junit()
check_github()
check_gitlab()
check_terminal_is_safe()
print("junit, github, gitlab and the text reports are as their readers expect")
