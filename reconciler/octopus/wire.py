"""The server's JSON as types: only what we read, and that strictly (rule 48).

A wrong type, a missing field, a truncated or malformed body is a `BadAnswer` with address, status
and field. Fields we do not name are ignored. A field has a default only where servers in use leave
it out; where leaving it out could make a doubtful deployment look whole, it has none.

Source of the names: Octopus' public API description and client sources.
"""

from __future__ import annotations

import functools
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, cast

import msgspec
from msgspec import Meta, Struct

from reconciler.core.text import clean
from reconciler.errors import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Hashable

    from reconciler.octopus.client import Answer

T = TypeVar("T")

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][!-~]{0,199}\Z")]
# The board has a hundred thousand of them: length only, which costs a tenth of a pattern.
BoardId = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(min_length=1)]
Time = Annotated[datetime, Meta(tz=True)]


class Wire(Struct, frozen=True, gc=False, rename="pascal"):
    """Base of all: PascalCase on the wire."""


class Root(Wire, frozen=True):
    """`GET /api`."""

    version: Text
    installation_id: Text


class Space(Wire, frozen=True):
    """A space, of `GET /api/spaces` and `/api/spaces/{id}`."""

    id: Id
    name: Text


class User(Wire, frozen=True):
    """`GET /api/users/me`."""

    id: Id
    username: Text
    display_name: str | None
    is_service: bool


class Person(Wire, frozen=True):
    """`GET /api/users/{id}`, as far as an approver is told by it."""

    id: Id
    username: Text
    display_name: str | None
    email_address: str | None
    is_active: bool
    is_service: bool


class Restriction(Wire, frozen=True):
    """One entry of one permission."""

    space_id: Id
    restricted_to_project_ids: list[str]
    restricted_to_environment_ids: list[str]
    restricted_to_tenant_ids: list[str]
    restricted_to_project_group_ids: list[str]


class PermissionSet(Wire, frozen=True):
    """`GET /api/users/{id}/permissions`."""

    space_permissions: dict[str, list[Restriction]]
    system_permissions: list[str]
    is_permissions_complete: bool


class ConnectivityPolicy(Wire, frozen=True):
    """How a project takes machines that are not there."""

    allow_deployments_to_no_targets: bool = False


class Project(Wire, frozen=True):
    """A project, of `GET /{space}/projects/all`."""

    id: Id
    slug: Text
    name: Text
    project_group_id: Id
    is_disabled: bool
    tenanted_deployment_mode: Text
    discrete_channel_release: bool
    lifecycle_id: str | None = None
    deployment_process_id: str | None = None
    is_version_controlled: bool = False
    project_connectivity_policy: ConnectivityPolicy | None = None


class Environment(Wire, frozen=True):
    """An environment, of `GET /{space}/environments/all`."""

    id: Id
    name: Text


class Named(Wire, frozen=True):
    """Anything of which only the id matters."""

    id: Id


class DashboardItem(Wire, frozen=True):
    """One square of the dashboard."""

    deployment_id: BoardId
    project_id: BoardId
    environment_id: BoardId
    release_id: BoardId
    release_version: Text
    task_id: BoardId
    tenant_id: BoardId | None
    state: str
    created: Time | None
    completed_time: Time | None
    has_warnings_or_errors: bool
    has_pending_interruptions: bool
    is_previous: bool


class Dashboard(Wire, frozen=True):
    """`GET /{space}/dashboard/dynamic`. `project_limit` None: all projects are there."""

    projects: list[Named]
    environments: list[Named]
    items: list[DashboardItem]
    project_limit: int | None
    tenants: list[Named] | None = None  # older servers leave them out
    previous_items: list[DashboardItem] | None = None  # older servers list them apart


class TaskArguments(Wire, frozen=True):
    """What a task is about; a `Deploy` task names its deployment."""

    deployment_id: Id | None = None


class Task(Wire, frozen=True):
    """A server task."""

    id: Id
    name: Text
    description: str | None
    state: str
    queue_time: Time
    start_time: Time | None
    completed_time: Time | None
    has_warnings_or_errors: bool
    has_pending_interruptions: bool
    error_message: str | None
    arguments: TaskArguments | None = None
    project_id: Id | None = None
    has_pending_preconditions: bool = False  # since 2025


class Deployment(Wire, frozen=True):
    """A deployment. The lists that make it partial may be null, not absent (tags are newer)."""

    id: Id
    project_id: Id
    environment_id: Id
    tenant_id: Id | None
    release_id: Id
    task_id: Id
    created: Time
    deployed_by: str | None
    deployed_by_id: str | None
    comments: str | None
    failure_encountered: bool
    specific_machine_ids: list[str] | None
    excluded_machine_ids: list[str] | None
    skip_actions: list[str] | None
    specific_target_tag_ids: list[str] | None = None
    excluded_target_tag_ids: list[str] | None = None
    deployed_to_machine_ids: list[str] | None = None


class SelectedPackage(Wire, frozen=True):
    """A package version of a release. Old servers name the step, newer ones the action."""

    version: str
    action_name: str | None = None
    step_name: str | None = None
    package_reference_name: str | None = None


class Release(Wire, frozen=True):
    """A release with the snapshots it froze."""

    id: Id
    project_id: Id
    version: Text
    assembled: Time
    channel_id: Id
    project_deployment_process_snapshot_id: str | None
    project_variable_set_snapshot_id: str | None
    selected_packages: list[SelectedPackage] | None
    library_variable_set_snapshot_ids: list[Id] | None = None


class TenantPromotion(Wire, frozen=True):
    """Where a release may go now for one tenant."""

    id: Id
    promote_to: list[Named]


class DeploymentTemplate(Wire, frozen=True):
    """`GET /{space}/releases/{id}/deployments/template`: where the release may go now.

    And whether the variables it froze are others today.
    """

    promote_to: list[Named]
    tenant_promotions: list[TenantPromotion] | None = None
    is_variable_set_modified: bool = False
    is_library_variable_set_modified: bool = False


class CreatedDeployment(Wire, frozen=True):
    """The answer to `POST /{space}/deployments`."""

    id: Id
    task_id: Id


class NewDeployment(Wire, frozen=True, omit_defaults=True):
    """The body of `POST /{space}/deployments`.

    `form_values` are by the names of form elements; no `specific_machine_ids` mean all machines.
    """

    release_id: str
    environment_id: str
    comments: str
    form_values: dict[str, str] = {}
    tenant_id: str | None = None
    specific_machine_ids: tuple[str, ...] = ()
    use_guided_failure: bool | None = None
    force_package_redeployment: bool = False


class Page(Wire, Generic[T], frozen=True):
    """One page of a collection."""

    total_results: int
    items: list[T]


def decode(answer: Answer, shape: type[T]) -> T:
    """Return the answer as `shape`.

    Raises:
        BadAnswer: it is something else; the message names address, status and field.
    """
    try:
        decoder = _decoder(cast("Hashable", shape))
        return cast("T", decoder.decode(answer.body))
    except msgspec.ValidationError as error:
        fault = clean(str(error).replace("`", "'"))  # tells types and places, never values
        raise _bad(answer, fault) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _bad(answer, f"not whole and well-formed JSON ({clean(str(error))})") from error
    except RecursionError as error:
        raise _bad(answer, "nested too deeply") from error


@functools.cache
def _decoder(shape: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape)


def _bad(answer: Answer, fault: str) -> BadAnswer:
    return BadAnswer(
        f"{answer.url} answered {answer.status} with JSON we cannot use: {fault}.",
        hint="check that the address is an Octopus server and its version is supported",
    )
