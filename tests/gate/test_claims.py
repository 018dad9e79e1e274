"""What a module is to declare, in runs without a gate: by options, and by the note of a binary."""

import json
import unittest

from support import EXTCHECK, INCLUDE, GateTest, need, source

BOTH = ("--supports-own-gil", "--supports-free-threaded")


class ClaimsTest(GateTest):
    def check(self, code, *arguments, python):
        """The JSON report of a plain run."""
        done = self.expect(code, EXTCHECK, "--isolated", "--python", python.path, "--format",
                           "json", "--cache-dir", "cache", *arguments, "--", f"-I{INCLUDE}")
        return json.loads(done.out)

    def verdicts(self, report, name="spam"):
        (one,) = [m for m in report["modules"] if m["name"] == name]
        return {t: v["verdict"] for t, v in one["verdicts"].items()}

    def rules(self, report):
        return {finding["rule"] for finding in report["findings"]}


class Options(ClaimsTest):
    def test_a_plain_run_judges_with_the_claims(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        for _ in range(2):  # the second time from the cache
            plain = self.check(1, "spam.c", python=python)
            self.assertLessEqual({"INI12", "INI16"}, self.rules(plain))
            self.assertEqual(self.verdicts(plain)["own-gil"], "not-ready")
            asked = self.check(0, *BOTH, "spam.c", python=python)
            self.assertEqual(self.verdicts(asked)["own-gil"], "ready", asked["modules"])
            self.assertEqual(self.verdicts(asked)["free-threaded"], "ready")

    def test_a_claim_that_does_not_hold_is_found(self):
        (python,) = need("3.13")
        self.write("spam.c", source("shares"))
        report = self.check(1, *BOTH, "spam.c", python=python)
        self.assertIn("INI13", self.rules(report))
        self.assertEqual(self.verdicts(report)["own-gil"], "not-ready")

    def test_the_fix_names_the_option(self):
        (python,) = need("3.13")
        self.write("spam.c", source("ready"))
        done = self.expect(1, EXTCHECK, "--isolated", "--python", python.path, "--target",
                           "own-gil", "spam.c", "--", f"-I{INCLUDE}")
        self.assertIn("--supports-own-gil", done.out)


if __name__ == "__main__":
    unittest.main()
