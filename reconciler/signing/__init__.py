"""Keys, certificates and signatures: who made a record, provable with `openssl` alone.

Here live the signing key of each space, the envelope (DSSE 1.0) around a signed payload, and its
strict reader. What a payload means is decided in the core; whose signature counts, by pinned
certificates, never by names, chains or the file itself.
"""

from reconciler.signing.dsse import SpaceSigner
from reconciler.signing.keys import SigningKey, load_key, load_or_make_key
from reconciler.signing.verify import VerifiedPayload, verify_envelope

__all__ = [
    "SigningKey",
    "SpaceSigner",
    "VerifiedPayload",
    "load_key",
    "load_or_make_key",
    "verify_envelope",
]
