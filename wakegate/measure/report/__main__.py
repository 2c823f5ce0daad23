"""Make report.html again, beside a results.json, and report.svg, its pictures as a file to put into a text.

``python -m wakegate.measure.report DIR/results.json``. Sound of ``--clips`` is in no results.json, so it is not in it.
"""

import json
import sys
from pathlib import Path

from . import page, standalone

if len(sys.argv) != 2:
    sys.exit("usage: python -m wakegate.measure.report DIR/results.json")
found = Path(sys.argv[1])
try:
    document = json.loads(found.read_text(encoding="utf-8"))
    made = {"report.html": page(document), "report.svg": standalone(document)}
except (OSError, ValueError, KeyError, TypeError) as error:
    sys.exit(f"{found} is no results.json of wakegate measure: {error!r}")
for name, text in made.items():
    found.with_name(name).write_text(text, encoding="utf-8")
