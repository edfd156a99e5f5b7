"""What a user may do, from the words of `GET /users/{id}/permissions`."""

import msgspec
import pytest
from octopus_answers import Json, grant, permissions

from reconciler.core.state import Permissions, Project
from reconciler.octopus import translate, wire

WEB = Project("Projects-1", "web", "Web", "ProjectGroups-1", False, "Untenanted", False)


def read(*entries: Json, system: tuple[str, ...] = ()) -> Permissions:
    said = permissions(
        SpacePermissions={"DeploymentCreate": list(entries)}, SystemPermissions=list(system)
    )
    return translate.permissions(msgspec.convert(said, wire.PermissionSet))


def may_deploy(allowed: Permissions, environment: str = "Environments-1") -> bool:
    return allowed.allows("DeploymentCreate", "Spaces-1", WEB, environment)


@pytest.mark.parametrize(
    "everything",
    [
        grant(),
        grant(
            RestrictedToProjectIds=["projects-unrelated"],
            RestrictedToEnvironmentIds=["environments-unrelated"],
            RestrictedToTenantIds=["tenants-unrelated"],
        ),
        grant(  # older servers
            RestrictedToProjectIds=[],
            RestrictedToEnvironmentIds=[],
            RestrictedToTenantIds=[],
            RestrictedToProjectGroupIds=[],
        ),
    ],
)
def test_rule_31_all_unrelated_and_an_empty_list_do_not_restrict(everything: Json) -> None:
    allowed = read(everything)

    assert may_deploy(allowed)
    assert allowed.grants["DeploymentCreate"][0].projects is None


@pytest.mark.parametrize(
    "limited",
    [
        grant(RestrictedToProjectIds=["Projects-2"]),
        grant(RestrictedToEnvironmentIds=["Environments-2"]),
        grant(RestrictedToTenantIds=["Tenants-1"]),  # named tenants: no untenanted deployment
        grant(RestrictedToProjectGroupIds=["ProjectGroups-2"]),
        grant(SpaceId="Spaces-2"),
        grant(RestrictedToProjectIds=["environments-all"]),  # the word of another dimension
    ],
)
def test_rule_31_each_dimension_restricts_by_itself(limited: Json) -> None:
    assert not may_deploy(read(limited))
    assert may_deploy(read(limited, grant()))  # entries are alternatives


def test_rule_31_a_permission_that_is_not_named_is_not_granted() -> None:
    assert not read().allows("DeploymentCreate", "Spaces-1", WEB, "Environments-1")
    assert not read(grant()).allows("TaskCancel", "Spaces-1", WEB, "Environments-1")


def test_rule_31_an_administrator_of_the_system_may_everything() -> None:
    allowed = read(system=("AdministerSystem",))

    assert allowed.administers_system
    assert may_deploy(allowed)
