# SPDX-License-Identifier: Apache-2.0
"""python3 -m generator FOLDER: write every dashboard of pages/ as JSON."""

import json
import pathlib
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from .pages import PAGES


def numbered(dashboard):
    """Number the panels: links need it, and the SDK leaves it to Grafana."""
    for number, panel in enumerate(dashboard.panels, 1):
        panel.id_val = number
    return dashboard


def main(folder):
    for name, make in PAGES.items():
        text = json.dumps(
            numbered(make().build()), cls=JSONEncoder, sort_keys=True, indent=1, ensure_ascii=False
        )
        (pathlib.Path(folder) / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
