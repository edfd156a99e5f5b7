"""What the demo asks Octopus, to prove its story and as the other people in it.

Plain requests by the standard library, as anybody could send them: the proof does not lean on the
client whose work it proves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reconciler.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TIMEOUT = 10.0
"""Seconds; the server is in this machine's memory."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A deployment of one component: its id, its version, its task and who asked for it."""

    id: str
    component: str
    version: str
    task: str
    by: str


@dataclass(frozen=True, slots=True)
class OctopusView:
    """One environment of a space, looked at over HTTP. Ids are Octopus' own."""

    url: str
    key: str
    space: str
    environment: str

    @classmethod
    def of(cls, url: str, key: str, space: str, environment: str) -> OctopusView:
        """Return the view of an environment by the names people use. Raises: Unreachable."""
        bare = cls(url, key, "", "")
        space_id = _named(bare.get("/api/spaces/all"), space)
        environments = bare.get(f"/api/{space_id}/environments/all")
        return cls(url, key, space_id, _named(environments, environment))

    def get(self, path: str) -> Any:
        """Return the JSON at a path. Raises: Unreachable."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """Post JSON to a path and return the answer's. Raises: Unreachable."""
        return self._ask("POST", path, json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None) -> Any:
        host = urlsplit(self.url).netloc
        connection = HTTPConnection(host, timeout=TIMEOUT)
        try:
            connection.request(method, path, body, {"X-Octopus-ApiKey": self.key})
            answer = connection.getresponse()
            content = answer.read()
            if answer.status in (HTTPStatus.OK, HTTPStatus.CREATED):
                return json.loads(content)
            why: object = f"status {answer.status}"
        except (OSError, HTTPException, ValueError) as error:
            why = error
        finally:
            connection.close()
        raise Unreachable(
            f"the simulator at {self.url} does not answer {path.partition('?')[0]}: {why}",
            hint="run the demo again",
        )

    def deployments(self, component: str) -> tuple[Seen, ...]:
        """Return all deployments of a component in this environment, newest first."""
        project = self.get(f"/api/{self.space}/projects/{component}")["Id"]
        releases = self.get(f"/api/{self.space}/projects/{project}/releases?take=100")["Items"]
        versions = {release["Id"]: release["Version"] for release in releases}
        query = f"projects={project}&environments={self.environment}&take=100"
        return tuple(
            Seen(one["Id"], component, versions[one["ReleaseId"]], one["TaskId"], one["DeployedBy"])
            for one in self.get(f"/api/{self.space}/deployments?{query}")["Items"]
        )

    def build(self, component: str, version: str) -> None:
        """Create a release, as a build does at its end. Raises: Unreachable."""
        what = {"projectName": component, "releaseVersion": version, "ignoreIfAlreadyExists": True}
        self.post(f"/api/{self.space}/releases/create/v1", {"spaceIdOrName": self.space, **what})

    def deploy(self, component: str, version: str, comment: str) -> None:
        """Deploy a release to this environment, as a person does. Raises: Unreachable."""
        project = self.get(f"/api/{self.space}/projects/{component}")["Id"]
        release = self.get(f"/api/{self.space}/projects/{project}/releases/{version}")["Id"]
        body = {"ReleaseId": release, "EnvironmentId": self.environment, "Comments": comment}
        self.post(f"/api/{self.space}/deployments", body)

    def seen_by(self, username: str) -> OctopusView:
        """Return this view as another user has it; only an administrator may take their place.

        Raises: Unreachable.
        """
        users = {user["Username"]: user["Id"] for user in self.get("/api/users/all")}
        key = self.post(f"/api/users/{users[username]}/apikeys", {"Purpose": "demo"})["ApiKey"]
        return replace(self, key=key)

    def count(self, pins: Iterable[tuple[str, str]]) -> dict[str, int]:
        """Return how many deployments of exactly the pinned version each component has had."""
        return {
            component: sum(seen.version == version for seen in self.deployments(component))
            for component, version in pins
        }

    def active_tasks(self) -> tuple[tuple[str, str, str], ...]:
        """Return what has not ended yet: (task id, state, description)."""
        tasks = self.get(f"/api/{self.space}/tasks?active=true&take=100")["Items"]
        return tuple((task["Id"], task["State"], task["Description"]) for task in tasks)


def _named(items: Any, name: str) -> str:
    for item in items:
        if item["Name"] == name:
            return str(item["Id"])
    raise Unreachable(f"the simulator has no {name!r}", hint="run the demo again")
