"""The certificate that Tentacles trust the server by: always the same, of the simulator's own."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Answer, missing
from reconciler.simulator.paging import matching, page
from reconciler.simulator.router import Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes(Scope.SYSTEM)

_DER = base64.b64decode(
    "MIIBiTCCAS+gAwIBAgIUDBYbpC9Lt5HCuNcvjfvNx5GMf/cwCgYIKoZIzj0EAwIwGTEXMBUGA1UEAwwOT2N0b3B1"
    "cyBQb3J0YWwwIBcNMjYxMTIwMTg1MjExWhgPMjEyNjEwMjcxODUyMTFaMBkxFzAVBgNVBAMMDk9jdG9wdXMgUG9y"
    "dGFsMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqrw720o69qB6YijhLCGMLZkD1fPfm4roPczoJKx61wlTcnz5"
    "HJQVxIrniH97AcxS/Fl9XXQlgMDjICrOPrBOGqNTMFEwHQYDVR0OBBYEFFnNrZx0zoji7Ti7JLVBJRWv/VcWMB8G"
    "A1UdIwQYMBaAFFnNrZx0zoji7Ti7JLVBJRWv/VcWMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIh"
    "AJxZHgw4ivbqOlUiYe+i2Z+82xx2VDoe7YXVkqq8uPaQAiAgCFSuoGZmrXkLIGIOes0gixOzOUAGawhmSZLMGWxr"
    "Ow=="
)
"""Self-signed, without a key that anybody has."""

_CERTIFICATE = {
    "Id": "certificate-global",
    "Name": "Global certificate",
    "Thumbprint": "1704EBB6CD7AA4CE3516A430F8CB4FEDD497482B",
    "SignatureAlgorithm": "sha256ECDSA",
    "Links": {
        "Self": "/api/configuration/certificates/certificate-global",
        "PublicCer": "/api/configuration/certificates/certificate-global/public-cer",
    },
}


class _Certificate:
    id, name = "certificate-global", "Global certificate"


@routes.get("configuration/certificates")
def list_certificates(call: Call) -> object:
    """GET /configuration/certificates: the one that Tentacles trust."""
    call.demand_system("ConfigureServer")
    found = matching(call, [_Certificate])
    return page(call, "CertificateConfiguration", found, lambda _: _CERTIFICATE)


@routes.get("certificates/certificate-global", scope=Scope.MIXED)
def global_certificate(call: Call) -> object:
    """GET /certificates/certificate-global: the same."""
    call.demand_system("ConfigureServer")
    return _CERTIFICATE


@routes.get("configuration/certificates/{certificate}")
def one_certificate(call: Call) -> object:
    """GET /configuration/certificates/{id}."""
    call.demand_system("ConfigureServer")
    if call.param("certificate") != _Certificate.id:
        raise missing("Certificate")
    return _CERTIFICATE


@routes.get("configuration/certificates/{certificate}/public-cer")
def public_part(call: Call) -> object:
    """GET /configuration/certificates/{id}/public-cer: DER."""
    one_certificate(call)
    return Answer(_DER, content_type="application/x-x509-ca-cert")
