"""Certificates that receipts are verified against, and where each comes from."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.ports import AuditBranch

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Certificates (PEM) that may have signed, by fingerprint, and where each comes from."""

    pem: Mapping[str, bytes]
    origin: Mapping[str, str]


def known_certificates(audit: AuditBranch, local: Mapping[str, bytes]) -> Certificates:
    """Return the certificates of the audit branch, and this machine's own, which are named first.

    A certificate on the audit branch is as good as who may write there: the caller says so.
    """
    pem: dict[str, bytes] = {}
    origin: dict[str, str] = {}
    for space, content in sorted(local.items()):
        name = fingerprint_of(content)
        if name is not None:
            pem[name] = content
            origin[name] = f"the key of Space {clean(space)} on this machine"
    files = audit.list("certificates")
    blobs = audit.read_blobs([file.blob for file in files])
    for file in files:
        name = fingerprint_of(blobs[file.blob])
        if name is not None and name not in pem:
            pem[name] = blobs[file.blob]
            origin[name] = f"{clean(file.path)} on the audit branch"
    return Certificates(pem, origin)


def fingerprint_of(pem: bytes) -> str | None:
    """Return `sha256:<hex of the DER>` of a certificate in PEM; None where it is none."""
    found = _PEM.search(pem)
    if found is None:
        return None
    try:
        der = base64.b64decode(b"".join(found[1].split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return f"sha256:{sha256(der).hexdigest()}"
