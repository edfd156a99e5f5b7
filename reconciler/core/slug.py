"""Names as parts of paths: safe on every file system, and the same on every machine."""

from __future__ import annotations

import hashlib
import re

_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FOREIGN = re.compile(r"[^a-z0-9._-]+")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
_CLEANED_LENGTH = 55  # with "-" and eight hex digits: 64


def slug(name: str) -> str:
    """Return `name` where it is a slug, else `<cleaned>-<first 8 hex digits of its SHA-256>`.

    A slug is `[a-z0-9][a-z0-9._-]{0,63}`, without two dots in a row, not ending in a dot, and no
    device name of Windows.
    """
    if (
        _SLUG.fullmatch(name)
        and ".." not in name
        and not name.endswith(".")
        and not _DEVICE.fullmatch(name)
    ):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    cleaned = _FOREIGN.sub("-", name.lower())
    cleaned = re.sub(r"\.{2,}", ".", cleaned).strip("._-")[:_CLEANED_LENGTH].rstrip("._-")
    if _DEVICE.fullmatch(cleaned):
        cleaned = cleaned.replace(".", "-")
    return f"{cleaned}-{digest}" if cleaned else f"x-{digest}"
