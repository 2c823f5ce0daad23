"""Make report.html again, beside a results.json: ``python -m wakegate.measure.report DIR/results.json``."""

import json
import sys
from pathlib import Path

from . import page

if len(sys.argv) != 2:
    sys.exit("usage: python -m wakegate.measure.report DIR/results.json")
found = Path(sys.argv[1])
try:
    shown = page(json.loads(found.read_text(encoding="utf-8")))
except (OSError, ValueError, KeyError, TypeError) as error:
    sys.exit(f"{found} is no results.json of wakegate measure: {error!r}")
found.with_name("report.html").write_text(shown, encoding="utf-8")
