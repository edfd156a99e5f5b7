"""Reading seeds written by hand: YAML (or JSON) to a `Seed`, with the place of every problem."""

from __future__ import annotations

import difflib
from importlib import resources

from reconciler.simulator.cron import BadCron, parse_cron
from reconciler.simulator.handwritten import Node, each_of, need, read_document, read_text, texts
from reconciler.simulator.seed import (
    Seed,
    SeedError,
    SeedLifecycle,
    SeedMachine,
    SeedPhase,
    SeedProject,
    SeedSpace,
    SeedTrigger,
    SeedUser,
)
from reconciler.simulator.versions import is_release_number, version_key

__all__ = ["load_seed", "parse_seed", "shipped_seeds"]


def shipped_seeds() -> tuple[str, ...]:
    """Return the names of the seeds that come with the package."""
    folder = resources.files("reconciler.simulator") / "seeds"
    names = (each.name for each in folder.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def load_seed(name_or_file: str) -> Seed:
    """Return a shipped seed by its name, else the seed of a file.

    Raises:
        SeedError: there is no such seed, or it cannot be read or used.
    """
    if name_or_file in shipped_seeds():
        found = resources.files("reconciler.simulator") / "seeds" / f"{name_or_file}.yaml"
        return parse_seed(found.read_text("utf-8"), source=f"{name_or_file}.yaml")
    known = ", ".join(shipped_seeds())
    absent = f"no such seed: it is neither a file nor one of {known}"
    return parse_seed(read_text(name_or_file, SeedError, absent), source=name_or_file)


def parse_seed(text: str, *, source: str = "seed") -> Seed:
    """Read a seed from YAML or JSON text.

    Raises:
        SeedError: with file, line and column where they are known.
    """
    return read_document(text, source, lambda node: _seed(node, source), SeedError)


def _seed(node: Node, source: str) -> Seed:
    fields = node.fields("server", "users", "spaces")
    spaces = each_of(need(fields, "spaces", node), _space, lambda each: each.name)
    if sum(each.default is True for each in spaces) > 1:
        raise fields["spaces"].problem("only one space can be the default")
    users = each_of(fields.get("users"), _user, lambda each: each.username)
    server = fields.get("server")
    more = server.fields("version", "slots") if server else {}
    return Seed(
        spaces,
        users,
        server_version=more["version"].text() if "version" in more else "2026.3.1234",
        slots=more["slots"].whole(1) if "slots" in more else 5,
        source=source,
    )


def _user(node: Node) -> SeedUser:
    fields = node.fields("username", "displayName", "email", "password")
    username = need(fields, "username", node).text()
    if username.casefold() in ("administrator", "reconciler", "system"):
        raise fields["username"].problem(f"{username!r} exists on every server already")
    shown = fields["displayName"].text() if "displayName" in fields else username
    return SeedUser(
        username,
        shown,
        email=fields["email"].text() if "email" in fields else "",
        password=fields["password"].text() if "password" in fields else None,
    )


def _space(node: Node) -> SeedSpace:
    fields = node.fields(
        "name", "default", "environments", "lifecycles", "machines", "projectGroups", "projects"
    )
    environments = each_of(fields.get("environments"), Node.text, str)
    lifecycles = each_of(
        fields.get("lifecycles"),
        lambda item: _lifecycle(item, environments),
        lambda each: each.name,
    )
    known = ("Default Lifecycle", *(each.name for each in lifecycles))
    projects = each_of(
        fields.get("projects"),
        lambda item: _project(item, environments, known, _names(fields["projects"])),
        lambda each: each.name,
    )
    return SeedSpace(
        need(fields, "name", node).text(),
        default=fields["default"].flag() if "default" in fields else None,
        environments=environments,
        lifecycles=lifecycles,
        machines=each_of(
            fields.get("machines"),
            lambda item: _machine(item, environments),
            lambda each: each.name,
        ),
        project_groups=each_of(fields.get("projectGroups"), Node.text, str),
        projects=projects,
    )


def _machine(node: Node, environments: tuple[str, ...]) -> SeedMachine:
    fields = node.fields("name", "environments", "roles")
    return SeedMachine(
        need(fields, "name", node).text(),
        tuple(
            _one_of(item, environments, "environment")
            for item in need(fields, "environments", node).items()
        ),
        texts(need(fields, "roles", node)),
    )


def _one_of(node: Node, known: tuple[str, ...], what: str) -> str:
    name = node.text()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f", did you mean {close[0]!r}?" if close else ""
        raise node.problem(f"no {what} {name!r} in this space{hint}")
    return name


def _lifecycle(node: Node, environments: tuple[str, ...]) -> SeedLifecycle:
    fields = node.fields("name", "phases")
    phases = each_of(
        fields.get("phases"), lambda item: _phase(item, environments), lambda each: each.name
    )
    return SeedLifecycle(need(fields, "name", node).text(), phases)


def _phase(node: Node, environments: tuple[str, ...]) -> SeedPhase:
    fields = node.fields("name", "environments", "automatic", "minimum", "optional")

    def targets(name: str) -> tuple[str, ...]:
        items = fields[name].items() if name in fields else []
        return tuple(_one_of(item, environments, "environment") for item in items)

    return SeedPhase(
        need(fields, "name", node).text(),
        environments=targets("environments"),
        automatic=targets("automatic"),
        minimum=fields["minimum"].whole(0) if "minimum" in fields else 0,
        optional=fields["optional"].flag() if "optional" in fields else False,
    )


def _names(node: Node) -> tuple[str, ...]:
    """Return the names in a list of mappings, as far as they are there."""
    values = node.value if isinstance(node.value, list) else []
    return tuple(str(each["name"]) for each in values if isinstance(each, dict) and "name" in each)


def _trigger(node: Node, environments: tuple[str, ...]) -> SeedTrigger:
    fields = node.fields("name", "cron", "from", "to")
    cron = need(fields, "cron", node)
    try:
        parse_cron(cron.text())
    except BadCron as error:
        raise cron.problem(str(error)) from None
    return SeedTrigger(
        need(fields, "name", node).text(),
        cron.text(),
        _one_of(need(fields, "to", node), environments, "environment"),
        _one_of(fields["from"], environments, "environment") if "from" in fields else None,
    )


def _project(
    node: Node,
    environments: tuple[str, ...],
    lifecycles: tuple[str, ...],
    projects: tuple[str, ...],
) -> SeedProject:
    fields = node.fields(
        "name", "slug", "group", "lifecycle", "steps", "packages", "releases", "deployed",
        "taskSeconds", "roles", "deploys", "triggers", "runbooks",
    )  # fmt: skip
    own = need(fields, "name", node).text()
    before = projects[: projects.index(own)]
    releases = each_of(fields.get("releases"), _release, lambda text: repr(version_key(text)))
    deployed: list[tuple[str, str]] = []
    if "deployed" in fields:
        for name, version in fields["deployed"].fields(*environments).items():
            if version.text() not in releases:
                raise version.problem(f"{version.text()!r} is not one of the project's releases")
            deployed.append((name, version.text()))
    lifecycle = "Default Lifecycle"
    if "lifecycle" in fields:
        lifecycle = _one_of(fields["lifecycle"], lifecycles, "lifecycle")
    return SeedProject(
        own,
        slug=fields["slug"].text() if "slug" in fields else None,
        group=fields["group"].text() if "group" in fields else "Default Project Group",
        lifecycle=lifecycle,
        steps=texts(fields.get("steps")),
        packages=texts(fields.get("packages")),
        roles=texts(fields.get("roles")),
        releases=releases,
        deployed=tuple(deployed),
        task_seconds=fields["taskSeconds"].seconds() if "taskSeconds" in fields else None,
        deploys=each_of(
            fields.get("deploys"), lambda item: _one_of(item, before, "earlier project"), str
        ),
        triggers=each_of(
            fields.get("triggers"),
            lambda item: _trigger(item, environments),
            lambda each: each.name,
        ),
        runbooks=texts(fields.get("runbooks")),
    )


def _release(node: Node) -> str:
    text = node.text()
    if not is_release_number(text):
        raise node.problem(f"{text!r} is no version number")
    return text
