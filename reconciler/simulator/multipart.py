"""The first file of a `multipart/form-data` body; the name of its field does not matter."""

from __future__ import annotations

import re

__all__ = ["first_file"]

_NAME = re.compile(rb'filename\*?="?(?:UTF-8\'\')?([^";\r\n]*)"?', re.IGNORECASE)


def first_file(content: bytes) -> tuple[str, bytes] | None:
    """Return the name and the bytes of the first file; None when the body has none.

    The boundary is read from the body itself: it is the body's first line.
    """
    boundary = content.lstrip(b"\r\n").split(b"\r\n", 1)[0]
    if not boundary.startswith(b"--"):
        return None
    for part in content.split(boundary)[1:]:
        head, gap, rest = part.partition(b"\r\n\r\n")
        found = _NAME.search(head)
        if gap and found is not None:
            name = found[1].decode("utf-8", "replace")
            return re.split(r"[/\\]", name)[-1], rest.removesuffix(b"\r\n")
    return None
