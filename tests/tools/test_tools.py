#!/usr/bin/env python3
"""Runs what is tested of the tree and its tools: python3 tests/tools/test_tools.py"""

import sys
import unittest

sys.dont_write_bytecode = True

from pythons_cases import *  # noqa: E402,F401,F403
from tree_cases import *  # noqa: E402,F401,F403

if __name__ == "__main__":
    unittest.main()
