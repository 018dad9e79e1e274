"""The SARIF report passes Microsoft's validator without an error or a warning.

The validator comes from npm, once, into a folder of the user's cache. It exits 0 whatever it finds,
so its output file is read; that it finds something at all is tried on a report that was broken on
purpose.
"""

import json
import os
import pathlib
import platform
import shutil
import stat
import subprocess
import sys
import tempfile

from report_output import SAMPLES, load_json, print_report, skip

PACKAGE = "@microsoft/sarif-multitool@5.7.0"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
FOLDER = CACHE / "extcheck" / "sarif-multitool-5.7.0"
PROGRAM = FOLDER / "node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"


def provide_validator():
    if not PROGRAM.exists():
        if platform.system() != "Linux" or platform.machine() != "x86_64":
            skip(f"{PACKAGE} has no build for {platform.system()} {platform.machine()}")
        npm = shutil.which("npm")
        if not npm:
            skip("npm is missing, so the SARIF validator could not be had: apt-get install npm")
        FOLDER.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(FOLDER), PACKAGE]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            skip(f"download of {PACKAGE} did not end within 300 s")
        if done.returncode or not PROGRAM.exists():
            skip(f"download of {PACKAGE} failed: {done.stderr.strip()[-400:]}")
    # npm may be set up not to run the package's own script, which does only this.
    PROGRAM.chmod(PROGRAM.stat().st_mode | stat.S_IXUSR)


def validate(text, folder):
    """Errors and warnings as (rule, where) pairs."""
    (folder / "report.sarif").write_bytes(text)
    out = folder / "out.sarif"
    command = [str(PROGRAM), "validate", "report.sarif", "--output", str(out), "--log",
               "ForceOverwrite"]
    environment = dict(os.environ, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT="1")
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True,
                          timeout=120)
    assert out.exists(), done.stdout + done.stderr
    run, = json.loads(out.read_text(encoding="utf-8-sig"))["runs"]
    invocation, = run["invocations"]
    assert invocation["executionSuccessful"], invocation
    return [(result["ruleId"], result["message"]) for result in run.get("results", [])
            if result.get("level", "warning") in ("error", "warning")]


def check_validator_finds_mistakes(report, folder):
    del report["runs"][0]["tool"]["driver"]["name"]
    report["runs"][0]["results"][0]["ruleIndex"] = 99
    found = validate(json.dumps(report).encode(), folder)
    assert found, "the validator found nothing in a report without a driver name"


def check_content(report):
    run, = report["runs"]
    rules = run["tool"]["driver"]["rules"]
    levels = {"blocker": "error", "hazard": "warning", "advice": "note"}
    rank = ["none", "advice", "hazard", "blocker"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        worst = max(("advice" if target == "port" and severity != "none" else severity
                     for target, severity in result["properties"]["severities"].items()),
                    key=rank.index)
        assert result["level"] == levels[worst], result
        assert result["partialFingerprints"]["extcheckFinding/v1"]
        location, = result["locations"]
        artifact = location["physicalLocation"]["artifactLocation"]
        assert run["artifacts"][artifact["index"]]["location"]["uri"] == artifact["uri"]
    for rule in rules:
        assert rule["help"]["text"] and rule["help"]["markdown"] and rule["fullDescription"]["text"]
        assert "severity:" not in rule["help"]["markdown"], "the head of the page is left out"
    prints = [r["partialFingerprints"]["extcheckFinding/v1"] for r in run["results"]]
    assert len(set(prints)) == len(prints)
    kinds = [s["kind"] for r in run["results"] for s in r["suppressions"]]
    assert sorted(kinds) == ["external", "inSource"]
    invocation, = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert [n["level"] for n in invocation["toolExecutionNotifications"]] == ["error", "warning"]
    behind, = [r for r in run["results"] if r["message"]["text"].startswith("an object behind")]
    region = behind["locations"][0]["physicalLocation"]["region"]
    assert (region["startColumn"], region["endColumn"]) == (29, 39), region
    assert region["snippet"]["text"] == "PyDict_New"
    assert behind["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == (
        "spam_get::PyDict_New")


def main():
    check_content(load_json("sarif", "mixed"))
    provide_validator()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for sample in SAMPLES:
            found = validate(print_report("sarif", sample), folder)
            assert not found, f"{sample}: {json.dumps(found, indent=2)}"
        check_validator_finds_mistakes(load_json("sarif", "mixed"), folder)
    print(f"{PACKAGE} accepts {len(SAMPLES)} reports without an error or a warning")


if __name__ == "__main__":
    sys.exit(main())
