"""Writes the reference values of src/learn beside this file, with the versions that made them.

    python -m venv VENV && VENV/bin/pip install -r requirements.txt && VENV/bin/python make.py [NAME ...]

then `npx oxfmt test/reference`.
"""

import importlib
import importlib.metadata
import json
import pathlib
import platform
import sys

sys.dont_write_bytecode = True

NAMES = ["score", "forest", "text", "classifier"]
PACKAGES = ["numpy", "scipy", "scikit-learn", "quantile-forest"]


def main():
    here = pathlib.Path(__file__).parent
    versions = {"python": platform.python_version()}
    versions |= {package: importlib.metadata.version(package) for package in PACKAGES}
    for name in sys.argv[1:] or NAMES:
        values = importlib.import_module(name).make()
        text = json.dumps({"versions": versions, **values}, separators=(",", ":"))
        (here / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
