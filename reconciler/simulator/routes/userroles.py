"""User roles: named sets of permissions; the built-in ones stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import free_name, note
from reconciler.simulator.membership import UserRole, work_out_permissions
from reconciler.simulator.paging import matching, page
from reconciler.simulator.permissions import SPACE_PERMISSIONS, SYSTEM_PERMISSIONS
from reconciler.simulator.router import Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call

routes = Routes(Scope.SYSTEM)

_RESTRICTIONS = {
    "projects": "Projects",
    "environments": "Environments",
    "tenants": "Tenants",
    "groups": "ProjectGroups",
}


def role_resource(role: UserRole) -> dict[str, object]:
    """Return a user role as JSON."""
    used = {each for name in role.space_permissions for each in SPACE_PERMISSIONS[name]}
    return {
        "Id": role.id,
        "Name": role.name,
        "Description": role.description,
        "CanBeDeleted": not role.is_built_in,
        "GrantedSpacePermissions": list(role.space_permissions),
        "GrantedSystemPermissions": list(role.system_permissions),
        "SpacePermissionDescriptions": list(role.space_permissions),
        "SystemPermissionDescriptions": list(role.system_permissions),
        "SupportedRestrictions": [word for name, word in _RESTRICTIONS.items() if name in used],
        "Links": {"Self": f"/api/userroles/{role.id}"},
    }


def _found(call: Call) -> list[UserRole]:
    call.demand_system("UserRoleView")
    every = call.world.user_roles.values()
    return matching(call, sorted(every, key=lambda role: (role.name.casefold(), role.id)))


@routes.get("userroles")
def list_roles(call: Call) -> object:
    """GET /userroles: by name."""
    return page(call, "UserRole", _found(call), role_resource, "{/id}{?skip,take,ids,partialName}")


@routes.get("userroles/all")
def all_roles(call: Call) -> object:
    """GET /userroles/all."""
    return [role_resource(role) for role in _found(call)]


@routes.get("userroles/{role}")
def one_role(call: Call) -> object:
    """GET /userroles/{id}."""
    call.demand_system("UserRoleView")
    return role_resource(_role_in(call))


@routes.post("userroles")
def create_role(call: Call) -> object:
    """POST /userroles."""
    call.demand_system("UserRoleEdit")
    body = call.body()
    name = free_name("User role", call.world.user_roles.values(), body)
    role = UserRole("", name)
    _write(role, body)
    role.id = call.world.new_id("UserRoles")
    call.world.user_roles[role.id] = role
    note(call, "Created", "User role", name, role.id)
    return created(role_resource(role))


@routes.put("userroles/{role}")
def change_role(call: Call) -> object:
    """PUT /userroles/{id}: who holds it holds the new permissions at once."""
    call.demand_system("UserRoleEdit")
    role = _role_in(call)
    if role.id == "userroles-systemadministrator":
        raise Refused(400, "This resource is read-only and cannot be modified.")
    body = call.body()
    name = free_name("User role", call.world.user_roles.values(), body, own=role)
    _write(role, body)
    role.name = name
    work_out_permissions(call.world)
    note(call, "Modified", "User role", role.name, role.id)
    return role_resource(role)


@routes.on("DELETE", "userroles/{role}")
def delete_role(call: Call) -> object:
    """DELETE /userroles/{id}: not a built-in one; teams that held it lose it."""
    call.demand_system("UserRoleEdit")
    role, world = _role_in(call), call.world
    if role.is_built_in:
        raise Refused(400, "This resource is read-only and cannot be deleted.")
    for held in [each for each in world.scoped_roles.values() if each.role_id == role.id]:
        del world.scoped_roles[held.id]
    del world.user_roles[role.id]
    work_out_permissions(world)
    note(call, "Deleted", "User role", role.name, role.id)
    return role_resource(role)


def _role_in(call: Call) -> UserRole:
    role = call.world.user_roles.get(call.param("role"))
    if role is None:
        raise missing("User Role")
    return role


def _write(role: UserRole, body: Body) -> None:
    space, system = body.texts("GrantedSpacePermissions"), body.texts("GrantedSystemPermissions")
    for name in (*space, *system):
        if name not in SPACE_PERMISSIONS and name not in SYSTEM_PERMISSIONS:
            raise Refused(400, "Model validation failed.", (f"There is no permission '{name}'.",))
    role.description = body.text("Description") or ""
    role.space_permissions = tuple(
        dict.fromkeys(name for name in (*space, *system) if name in SPACE_PERMISSIONS)
    )
    role.system_permissions = tuple(
        dict.fromkeys(name for name in (*space, *system) if name in SYSTEM_PERMISSIONS)
    )
