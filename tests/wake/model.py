"""A copy of the installed model in a folder of the test's own, to be damaged at will."""

import hashlib
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wakegate.wake import catalogue

ORIGINAL = catalogue.installed()[0].path
WITHOUT_ONNXRUNTIME = importlib.util.find_spec("onnxruntime") is None
Change = Callable[[dict[str, Any]], object]


def copy(folder: Path, change: Change | None = None, graph: Callable[[bytes], bytes] | None = None) -> Path:
    """Copy NAME.onnx and NAME.json; ``graph`` rewrites the model (its hash follows; of its trunk nothing is said any
    more), then ``change`` the manifest."""
    data = ORIGINAL.read_bytes()
    raw = json.loads(ORIGINAL.with_suffix(".json").read_text())
    if graph is not None:
        data = graph(data)
        raw["sha256"] = hashlib.sha256(data).hexdigest()
        raw.pop("trunk", None)
    if change is not None:
        change(raw)
    model = folder / ORIGINAL.name
    model.write_bytes(data)
    model.with_suffix(".json").write_text(json.dumps(raw))
    return model


def value_info(data: bytes, name: str) -> int:
    """Return where the type of a graph's input begins in the bytes of an ONNX file (after its name)."""
    mark = b"\n" + bytes([len(name)]) + name.encode() + b"\x12"
    return data.rindex(mark) + len(mark)  # inputs come after the nodes


def retyped(data: bytes, name: str, old: int, new: int) -> bytes:
    """Give an input another element type (1 float, 5 int16)."""
    at = data.index(bytes([8, old]), value_info(data, name))
    return data[: at + 1] + bytes([new]) + data[at + 2 :]


def unsized(data: bytes, name: str) -> bytes:
    """Leave the first size of an input open (an unnamed dimension in place of 1)."""
    at = data.index(b"\n\x02\x08\x01", value_info(data, name))
    return data[:at] + b"\n\x02\x12\x00" + data[at + 4 :]
