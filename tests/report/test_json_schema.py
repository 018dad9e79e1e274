"""The JSON report is what docs/json-schema says, and the schema refuses what it should refuse."""

import copy
import json
import sys

try:
    import jsonschema
except ImportError:
    sys.exit("python3-jsonschema is missing: apt-get install python3-jsonschema")

from report_output import ROOT, SAMPLES, load_json

SCHEMA = json.loads((ROOT / "docs/json-schema/extcheck-1.0.schema.json").read_text())


def check_samples(validator):
    for sample in SAMPLES:
        report = load_json("json", sample)
        errors = [f"{e.json_path}: {e.message}" for e in validator.iter_errors(report)]
        assert not errors, f"{sample}: {errors}"


def check_every_field_is_described(report):
    """A field that the program writes and the schema does not know is a schema not kept up."""
    finding = SCHEMA["$defs"]["finding"]["properties"]
    module = SCHEMA["$defs"]["module"]["properties"]
    assert set(report) == set(SCHEMA["properties"])
    for one in report["findings"]:
        assert set(one) == set(finding), set(one) ^ set(finding)
    for one in report["modules"]:
        assert set(one) == set(module), set(one) ^ set(module)
    assert set(report["summary"]) == set(SCHEMA["properties"]["summary"]["properties"])


def check_content(report):
    found = {f["message"]: f for f in report["findings"]}
    assert "MUST NOT APPEAR" not in found
    assert [f["occurrence"] for f in report["findings"] if f["symbol"] == "counter"] == [1, 2]
    assert found["suppressed in the source"]["suppression"] == {
        "kind": "in-source", "reason": 'guarded by "the" import lock'}
    assert found["known for long"]["suppression"] == {"kind": "baseline", "reason": None}
    counted = {"blockers": 0, "hazards": 0, "advice": 0}
    plural = {"blocker": "blockers", "hazard": "hazards", "advice": "advice"}
    for one in report["findings"]:
        if one["suppression"] is None:
            counted[plural[one["severity"]]] += 1
    assert counted.items() <= report["summary"].items(), (counted, report["summary"])
    assert report["modules"][0]["verdicts"]["own-gil"]["deciding"] == {
        "rule": "GLB01", "file": "src/spam.c", "line": 4}
    assert [f["file"] for f in report["failed"]] == ["src/alpha.c", "src/zeta.c"]


def check_broken_reports_are_refused(validator, report):
    def broken(change):
        bad = copy.deepcopy(report)
        change(bad)
        return not validator.is_valid(bad)

    assert broken(lambda r: r.pop("schema_version"))
    assert broken(lambda r: r.update(schema_version="2.0"))
    assert broken(lambda r: r["findings"][0].pop("fingerprint"))
    assert broken(lambda r: r["findings"][0].update(severity="none"))
    assert broken(lambda r: r["findings"][0].update(line=-1))
    assert broken(lambda r: r["findings"][0]["severities"].update(windows="hazard"))
    assert broken(lambda r: r["modules"][0]["verdicts"]["own-gil"].update(verdict="fine"))


def main():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    report = load_json("json", "mixed")
    check_samples(validator)
    check_every_field_is_described(report)
    check_content(report)
    check_broken_reports_are_refused(validator, report)
    print("json: 3 reports are valid, 7 broken ones are refused")


main()
