# SPDX-License-Identifier: Apache-2.0
"""axe-core, which checks the accessibility of a page: a fixed version from npm, kept in build/."""

import base64
import hashlib
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

VERSION = "4.14.1"
# sha512, of the package
INTEGRITY = (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)
KEPT = pathlib.Path(__file__).resolve().parents[2] / "build" / "axe" / f"axe-{VERSION}.js"


def fetch():
    """Download axe.min.js, if possible. Needs the network of the machine."""
    if not KEPT.exists():
        with tempfile.TemporaryDirectory() as folder:
            if (
                not shutil.which("npm")
                or subprocess.run(
                    [
                        "npm",
                        "pack",
                        f"axe-core@{VERSION}",
                        "--silent",
                        "--cache",
                        f"{folder}/cache",
                    ],
                    cwd=folder,
                    check=False,
                    timeout=120,
                    capture_output=True,
                ).returncode
            ):
                return
            package = pathlib.Path(folder, f"axe-core-{VERSION}.tgz")
            if (
                base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
                != INTEGRITY
            ):
                raise AssertionError(f"axe-core {VERSION} from npm is not what it was")
            with tarfile.open(package) as archive:
                text = archive.extractfile("package/axe.min.js").read()
            KEPT.parent.mkdir(parents=True, exist_ok=True)
            KEPT.write_bytes(text)


def script():
    """The text of axe.min.js if it was downloaded, else None."""
    return KEPT.read_text(encoding="utf-8") if KEPT.exists() else None


def violations(browser, text):
    """Its findings on the open page, one line each."""
    browser.run(text + "\n;window.axe = axe;")
    found = browser.run(
        "return axe.run(document, {resultTypes: ['violations']})"
        ".then(result => result.violations.map(v => `${v.id}: ${v.help}: ${v.nodes.map(n => n.html "
        "+ ' ' + n.failureSummary).slice(0, 3).join(' | ')}`))"
    )
    return found
