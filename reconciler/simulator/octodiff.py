"""Signatures and deltas of packages, by which a client sends only what is new.

Source: the formats of Octopus' public library for deltas (Octodiff), version 1.
"""

from __future__ import annotations

import hashlib
import struct
from itertools import accumulate

__all__ = ["BadDelta", "apply_delta", "signature_of"]

_CHUNK = 2048
_END = b">>>"
_COPY, _DATA = 0x60, 0x80


class BadDelta(ValueError):
    """A delta is not one, or does not fit the file it is applied to."""


def _text(text: str) -> bytes:
    return bytes((len(text),)) + text.encode()


def _sha1(content: bytes) -> bytes:
    return hashlib.sha1(content, usedforsecurity=False).digest()


def _checksum(chunk: bytes) -> int:
    """Return the rolling checksum of the library, which is not quite Adler-32."""
    low = 1 + sum(chunk)
    high = sum(accumulate(chunk, initial=1)) - 1
    return (high & 0xFFFF) << 16 | low & 0xFFFF


def signature_of(content: bytes) -> bytes:
    """Return the signature of a file: a checksum and a hash of each chunk."""
    parts = [b"OCTOSIG\x01", _text("SHA1"), _text("Adler32"), _END]
    for at in range(0, len(content), _CHUNK):
        chunk = content[at : at + _CHUNK]
        parts.append(struct.pack("<HI", len(chunk), _checksum(chunk)) + _sha1(chunk))
    return b"".join(parts)


def apply_delta(base: bytes, delta: bytes) -> bytes:
    """Return the file that a delta makes of another one.

    Raises:
        BadDelta: it is cut off or damaged, or was made for another file.
    """
    try:
        expected, at = _head(delta)
        parts: list[bytes] = []
        while at < len(delta):
            command = delta[at]
            if command == _COPY:
                start, length = struct.unpack_from("<qq", delta, at + 1)
                source, at = base, at + 17
            elif command == _DATA:
                (length,) = struct.unpack_from("<q", delta, at + 1)
                source, start = delta, at + 9
                at = start + length
            else:
                raise BadDelta("it has an unknown command")
            if min(start, length) < 0 or start + length > len(source):
                raise BadDelta("it reaches beyond the file")
            parts.append(source[start : start + length])
    except (struct.error, IndexError):
        raise BadDelta("it is cut off") from None
    made = b"".join(parts)
    if _sha1(made) != expected:
        raise BadDelta("the file it makes has another hash")
    return made


def _head(delta: bytes) -> tuple[bytes, int]:
    """Return the hash that the delta promises, and where its commands begin."""
    start = b"OCTODELTA\x01" + _text("SHA1")
    if not delta.startswith(start):
        raise BadDelta("it does not begin as one")
    (length,) = struct.unpack_from("<i", delta, len(start))
    at = len(start) + 4
    if length != 20 or delta[at + length : at + length + 3] != _END:
        raise BadDelta("its head is damaged")
    return delta[at : at + length], at + length + 3
