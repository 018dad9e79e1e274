"""The C part: every file of src/; what else there is to say is in pyproject.toml."""

import glob

from setuptools import Extension, setup

setup(ext_modules=[Extension(
    "extpool._pool", sorted(glob.glob("src/*.c")), depends=sorted(glob.glob("src/*.h")),
    extra_compile_args=["-std=gnu11", "-fvisibility=hidden", "-pthread"],
    extra_link_args=["-pthread"])])
