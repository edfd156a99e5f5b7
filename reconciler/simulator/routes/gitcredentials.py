"""Git credentials of a space, which projects in git may name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.documents import Kind, Verbs, mentions
from reconciler.simulator.paging import by_name
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.documents import serve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.simulator.calls import Body, Call

routes = Routes()


def _keep_restrictions(more: Mapping[str, Any], body: Body | None) -> Mapping[str, Any]:
    """Let a null keep the restrictions as they are: Octopus' Go client counts on that."""
    del more
    if body is not None and body.get("RepositoryRestrictions") is None:
        body.fields.pop("repositoryrestrictions", None)
    return {}


CREDENTIALS = Kind(
    path="git-credentials",
    param="credential",
    item="GitCredential",
    word="Git Credential",
    ids="GitCredentials",
    verbs=Verbs("GitCredentialView", *["GitCredentialEdit"] * 3),
    fields={
        "Description": "",
        "Details": {"Type": "Anonymous"},
        "RepositoryRestrictions": {"Enabled": False, "AllowedRepositories": []},
    },
    links={"Usages": "/usages"},
    template="{?skip,take,name}",
)

serve(routes, CREDENTIALS, further=_keep_restrictions)


@routes.get("git-credentials/{credential}/usages")
def usages(call: Call) -> object:
    """GET /git-credentials/{id}/usages: the projects that name it and that the caller sees."""
    credential = CREDENTIALS.named(call)
    held = call.access("ProjectView")
    return {
        "Id": credential.id,
        "Projects": [
            {"Id": each.id, "Name": each.name, "Slug": each.slug}
            for each in sorted(call.space.projects.values(), key=by_name)
            if each.repository is not None
            and mentions(each.repository.settings, credential.id)
            and held.allows(each)
        ],
        "Links": {},
    }
