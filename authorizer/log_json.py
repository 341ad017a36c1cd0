"""Log lines as JSON that can always be written."""

import json
from collections.abc import Mapping
from typing import Any

# Made once: `json.dumps` makes an encoder for each line.
_encode = json.JSONEncoder(default=str, separators=(",", ":"), ensure_ascii=False).encode
_encode_in_ascii = json.JSONEncoder(default=str, separators=(",", ":")).encode


def log_json(line: Mapping[str, Any] | str) -> str:
    """Return a log line as JSON. No line is lost for what it holds: half of a surrogate pair, as in a path with `\\ud800`, is no UTF-8 and is escaped."""
    text = _encode(line)
    return text if _is_utf_8(text) else _encode_in_ascii(line)


def _is_utf_8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
