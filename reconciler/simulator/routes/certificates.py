"""Certificates: uploaded ones, read for what they say; archived and replaced, never shown whole."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, Refused, created
from reconciler.simulator.changes import free_name, has_dependants, note
from reconciler.simulator.documents import SECRET, Document, Kind, Verbs, users_of
from reconciler.simulator.paging import by_name, matching, page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.machines import machine_resource
from reconciler.simulator.times import stamp
from reconciler.simulator.x509 import Upload, facts, is_past, read_upload, self_signed

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call

routes = Routes()

_FORMATS = frozenset({"der", "pem", "pkcs12"})

_READ: dict[str, Any] = {
    "Archived": None,
    "ReplacedBy": None,
    "CertificateChain": [],
    "CertificateDataFormat": "Unknown",
    "HasPrivateKey": False,
    "IsExpired": False,
    "IssuerCommonName": None,
    "IssuerDistinguishedName": None,
    "IssuerOrganization": None,
    "NotAfter": None,
    "NotBefore": None,
    "SelfSigned": False,
    "SerialNumber": None,
    "SignatureAlgorithmName": None,
    "SubjectAlternativeNames": [],
    "SubjectCommonName": None,
    "SubjectDistinguishedName": None,
    "SubjectOrganization": None,
    "Thumbprint": None,
    "Version": 3,
}
"""What the server finds out itself; what a body says of it is not read."""

CERTIFICATES = Kind(
    path="certificates",
    param="cert",
    item="Certificate",
    word="Certificate",
    ids="Certificates",
    verbs=Verbs.of("Certificate"),
    fields={
        **_READ,
        "Notes": None,
        "CertificateData": SECRET,
        "Password": SECRET,
        "EnvironmentIds": [],
        "TenantedDeploymentParticipation": "Untenanted",
        "TenantIds": [],
        "TenantTags": [],
    },
    links={
        "Archive": "/archive",
        "Unarchive": "/unarchive",
        "Replace": "/replace",
        "Export": "/export{?format,password,includePrivateKey,pemOptions}",
        "Usages": "/usages",
    },
    template="{?skip,take,search,archived,tenant,firstResult,orderBy,ids,partialName}",
)
_GIVEN = (*_READ, "CertificateData", "Password")


def _shown(call: Call, certificate: Document) -> dict[str, Any]:
    return CERTIFICATES.shown(call.space, certificate, {})


def _found(call: Call) -> list[Document]:
    """Return what the caller may view; archived ones only when they are asked for."""
    wants_archived = call.query.flag("archived") or False
    word = (call.query.text("search") or "").casefold()
    tenant = call.query.text("tenant")
    by_id = call.query.many("ids") is not None
    return [
        each
        for each in matching(call, sorted(CERTIFICATES.visible(call), key=by_name))
        if (by_id or (each.more.get("Archived") is not None) is wants_archived)
        and word in f"{each.name} {each.more.get('SubjectDistinguishedName')}".casefold()
        and (tenant is None or tenant in each.more.get("TenantIds", ()))
    ]


@routes.get("certificates")
def list_certificates(call: Call) -> object:
    """GET /certificates."""
    found, template = _found(call), CERTIFICATES.template
    return page(call, CERTIFICATES.item, found, lambda each: _shown(call, each), template)


@routes.get("certificates/all")
def all_certificates(call: Call) -> object:
    """GET /certificates/all."""
    return [_shown(call, each) for each in _found(call)]


@routes.get("certificates/{cert}")
def one_certificate(call: Call) -> object:
    """GET /certificates/{id}."""
    return _shown(call, CERTIFICATES.named(call))


def _new_value(body: Body, name: str) -> str | None:
    """Return a secret that a body sets, written as a sensitive value or as plain text."""
    given = body.get(name)
    value = given.get("NewValue") if isinstance(given, dict) else given
    return value if isinstance(value, str) and value else None


def _upload(body: Body) -> Upload:
    data = _new_value(body, "CertificateData")
    if data is None:
        raise Refused(400, "No Certificate Data was provided.")
    found = read_upload(data, _new_value(body, "Password"))
    if found is None:
        raise Refused(400, "Certificate Invalid.")
    return found


def _take(call: Call, certificate: Document, upload: Upload) -> None:
    """Let a certificate hold what was uploaded."""
    certificate.content = upload.content
    certificate.more |= {**facts(upload), "CertificateData": {**SECRET, "HasValue": True}}
    certificate.more["IsExpired"] = is_past(upload, call.now)


def _add(call: Call, body: Body, upload: Upload) -> Document:
    held = CERTIFICATES.held_by(call.space)
    made = Document("", free_name(CERTIFICATES.word, held.values(), body))
    has_password = _new_value(body, "Password") is not None
    made.more = _own_fields(made, body)
    CERTIFICATES.demand_everywhere(call, "CertificateCreate", made.more)
    made.id = call.world.new_id(CERTIFICATES.ids)
    _take(call, made, upload)
    made.more["Password"] = {**SECRET, "HasValue": has_password}
    held[made.id] = made
    note(call, "Created", CERTIFICATES.word, made.name, made.id)
    return made


def _own_fields(certificate: Document, body: Body) -> dict[str, Any]:
    for name in _GIVEN:
        body.fields.pop(name.lower(), None)
    return CERTIFICATES.read(certificate, body, {})


@routes.post("certificates")
def create_certificate(call: Call) -> object:
    """POST /certificates: refused when the data cannot be read."""
    call.demand_anywhere("CertificateCreate")
    body = call.body()
    return created(_shown(call, _add(call, body, _upload(body))))


@routes.post("certificates/generate")
def generate_certificate(call: Call) -> object:
    """POST /certificates/generate: a self-signed one."""
    call.demand_anywhere("CertificateCreate")
    body = call.body()
    name, organization = body.text("SubjectCommonName"), body.text("SubjectOrganization")
    if name is None and organization is None:
        raise Refused(400, "Please supply either the common name or organization.")
    content = self_signed(name, organization, call.now)
    upload = read_upload(base64.b64encode(content).decode(), None)
    if upload is None:
        raise Refused(400, "Certificate Invalid.")
    return _shown(call, _add(call, body, upload))


@routes.put("certificates/{cert}")
def change_certificate(call: Call) -> object:
    """PUT /certificates/{id}: name, notes and scope; another certificate comes by `/replace`."""
    certificate = CERTIFICATES.named(call, "CertificateEdit")
    body = call.body()
    held = CERTIFICATES.held_by(call.space)
    name = free_name(CERTIFICATES.word, held.values(), body, own=certificate)
    more = _own_fields(certificate, body)
    CERTIFICATES.demand_everywhere(call, "CertificateEdit", more)
    certificate.name, certificate.more = name, more
    note(call, "Modified", CERTIFICATES.word, name, certificate.id)
    return _shown(call, certificate)


@routes.on("DELETE", "certificates/{cert}")
def delete_certificate(call: Call) -> object:
    """DELETE /certificates/{id}: an archived one that no target names."""
    certificate = CERTIFICATES.named(call, "CertificateDelete")
    if any(users_of(call.space, certificate.id)):
        raise has_dependants(CERTIFICATES.word)
    if certificate.more.get("Archived") is None:
        raise Refused(400, "A certificate must be archived before it can be deleted.")
    shown = _shown(call, certificate)
    del CERTIFICATES.held_by(call.space)[certificate.id]
    note(call, "Deleted", CERTIFICATES.word, certificate.name, certificate.id)
    return shown


@routes.post("certificates/{cert}/archive")
def archive_certificate(call: Call) -> object:
    """POST /certificates/{id}/archive."""
    certificate = CERTIFICATES.named(call, "CertificateEdit")
    certificate.more["Archived"] = stamp(call.now)
    return _shown(call, certificate)


@routes.post("certificates/{cert}/unarchive")
def unarchive_certificate(call: Call) -> object:
    """POST /certificates/{id}/unarchive: not after it was replaced."""
    certificate = CERTIFICATES.named(call, "CertificateEdit")
    if certificate.more.get("ReplacedBy") is not None:
        raise Refused(400, "You cannot unarchive a certificate that has been replaced.")
    certificate.more.pop("Archived", None)
    return _shown(call, certificate)


@routes.post("certificates/{cert}/replace")
def replace_certificate(call: Call) -> object:
    """POST /certificates/{id}/replace: the id gets the new data, an archived copy keeps the old."""
    certificate = CERTIFICATES.named(call, "CertificateEdit")
    upload = _upload(call.body())
    old = Document(
        call.world.new_id(CERTIFICATES.ids),
        f"{certificate.name} ({certificate.more['Thumbprint']})",
        {**certificate.more, "Archived": stamp(call.now), "ReplacedBy": certificate.id},
        certificate.content,
    )
    CERTIFICATES.held_by(call.space)[old.id] = old
    _take(call, certificate, upload)
    note(call, "Modified", CERTIFICATES.word, certificate.name, certificate.id, old.id)
    return _shown(call, certificate)


@routes.get("certificates/{cert}/export")
def export_certificate(call: Call) -> object:
    """GET /certificates/{id}/export: as it was uploaded; with a key only for who may have it."""
    certificate = CERTIFICATES.named(call)
    if certificate.more.get("HasPrivateKey"):
        CERTIFICATES.named(call, "CertificateExportPrivateKey")
    if (call.query.text("format") or "pem").casefold() not in _FORMATS:
        raise Refused(400, "Invalid format option.")
    return Answer(certificate.content, content_type="application/octet-stream")


@routes.get("certificates/{cert}/usages")
def usages(call: Call) -> object:
    """GET /certificates/{id}/usages: the targets whose endpoint names it."""
    certificate = CERTIFICATES.named(call)
    users = {machine_id for machine_id, _ in users_of(call.space, certificate.id)}
    targets = [each for each in call.space.machines.values() if each.id in users]
    return {
        "Id": certificate.id,
        "DeploymentTargetUsages": [machine_resource(call, each) for each in targets],
        "LibraryVariableSetUsages": [],
        "ProjectUsages": [],
        "TenantUsages": [],
        "Links": {},
    }
