"""Reading seeds written by hand: YAML (or JSON) to a `Seed`, with the place of every problem."""

from __future__ import annotations

import difflib
import math
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from reconciler.simulator.cron import BadCron, parse_cron
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

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["load_seed", "parse_seed", "shipped_seeds"]

Place = tuple[str | int, ...]
T = TypeVar("T")

_LARGEST = 64 * 1024 * 1024


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
    file = Path(name_or_file)
    try:
        if file.stat().st_size > _LARGEST:
            raise SeedError("the file is larger than 64 MiB", source=name_or_file)
        text = file.read_text("utf-8")
    except FileNotFoundError:
        known = ", ".join(shipped_seeds())
        message = f"no such seed: it is neither a file nor one of {known}"
        raise SeedError(message, source=name_or_file) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the file is not UTF-8"
        raise SeedError(f"cannot be read: {reason}", source=name_or_file) from error
    return parse_seed(text, source=name_or_file)


def parse_seed(text: str, *, source: str = "seed") -> Seed:
    """Read a seed from YAML or JSON text.

    Raises:
        SeedError: with file, line and column where they are known.
    """
    try:
        document = YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise SeedError(error.problem or "not YAML", source=source, place=place) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise SeedError("the file is not YAML", source=source) from error
    try:
        return _seed(_Node(document, ()), source)
    except _Problem as problem:
        found = _position(text, problem)
        message = problem.message
        if problem.wants_quotes and found is not None:
            rest = text.splitlines()[found[0]][found[1] :]
            message += f', quote it: "{re.split("[],}#]", rest)[0].strip()}"'
        place = "" if found is None else f"{found[0] + 1}:{found[1] + 1}"
        raise SeedError(message, source=source, place=place) from None


class _Problem(Exception):
    def __init__(
        self, message: str, place: Place, *, at_key: bool = False, wants_quotes: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.at_key = at_key
        self.wants_quotes = wants_quotes


def _position(text: str, problem: _Problem) -> tuple[int, int] | None:
    """Find line and column (from 0) by reading the text again, now with positions."""
    found: tuple[int, int] | None = None
    try:
        node: Any = YAML(typ="rt").load(text)
    except (YAMLError, ValueError, RecursionError):
        return None
    for depth, step in enumerate(problem.place, 1):
        try:
            if isinstance(step, int):
                mark = node.lc.item(step)
            elif problem.at_key and depth == len(problem.place):
                mark = node.lc.key(step)
            else:
                mark = node.lc.value(step)
            found = (mark[0], mark[1])
            node = node[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return found


class _Node:
    """A value of the document with the way to it."""

    def __init__(self, value: Any, place: Place) -> None:
        self.value = value
        self.place = place

    def problem(self, message: str) -> _Problem:
        return _Problem(message, self.place)

    def fields(self, *known: str) -> dict[str, _Node]:
        if not isinstance(self.value, dict):
            raise self.problem("expected a mapping of fields")
        for name in self.value:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1)
                hint = f", did you mean {close[0]!r}?" if close else ""
                raise _Problem(f"unknown field {name!r}{hint}", (*self.place, name), at_key=True)
        return {name: _Node(value, (*self.place, name)) for name, value in self.value.items()}

    def items(self) -> list[_Node]:
        if not isinstance(self.value, list):
            raise self.problem("expected a list")
        return [_Node(value, (*self.place, index)) for index, value in enumerate(self.value)]

    def text(self) -> str:
        if isinstance(self.value, str) and self.value.strip():
            if any(ord(letter) < 32 or ord(letter) == 127 for letter in self.value):
                raise self.problem("control characters are not allowed here")
            return self.value
        if isinstance(self.value, (int, float)) and not isinstance(self.value, bool):
            raise _Problem("expected text", self.place, wants_quotes=True)
        raise self.problem("expected text")

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.problem("expected true or false")
        return self.value

    def whole(self, least: int) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < least:
            raise self.problem(f"expected a whole number from {least} on")
        return self.value

    def seconds(self) -> float:
        number = self.value
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise self.problem("expected a number of seconds")
        if not (math.isfinite(number) and 0 <= number <= 1_000_000):
            raise self.problem("expected a number of seconds from 0 to 1000000")
        return float(number)


def _texts(node: _Node | None) -> tuple[str, ...]:
    return tuple(item.text() for item in node.items()) if node else ()


def _each(node: _Node | None, read: Callable[[_Node], T], key: Callable[[T], str]) -> tuple[T, ...]:
    """Read a list whose members have a name, each name once (without case)."""
    made: list[T] = []
    seen: set[str] = set()
    for item in node.items() if node else ():
        value = read(item)
        name = key(value).casefold()
        if name in seen:
            shown = item.value if isinstance(item.value, str) else key(value)
            raise item.problem(f"{shown!r} is there twice")
        seen.add(name)
        made.append(value)
    return tuple(made)


def _need(fields: dict[str, _Node], name: str, node: _Node) -> _Node:
    if name not in fields:
        raise node.problem(f"the field {name!r} is missing")
    return fields[name]


def _seed(node: _Node, source: str) -> Seed:
    fields = node.fields("server", "users", "spaces")
    spaces = _each(_need(fields, "spaces", node), _space, lambda each: each.name)
    if sum(each.default is True for each in spaces) > 1:
        raise fields["spaces"].problem("only one space can be the default")
    users = _each(fields.get("users"), _user, lambda each: each.username)
    server = fields.get("server")
    more = server.fields("version", "slots") if server else {}
    return Seed(
        spaces,
        users,
        server_version=more["version"].text() if "version" in more else "2026.3.1234",
        slots=more["slots"].whole(1) if "slots" in more else 5,
        source=source,
    )


def _user(node: _Node) -> SeedUser:
    fields = node.fields("username", "displayName", "email")
    username = _need(fields, "username", node).text()
    if username.casefold() in ("administrator", "reconciler", "system"):
        raise fields["username"].problem(f"{username!r} exists on every server already")
    shown = fields["displayName"].text() if "displayName" in fields else username
    return SeedUser(username, shown, fields["email"].text() if "email" in fields else "")


def _space(node: _Node) -> SeedSpace:
    fields = node.fields(
        "name", "default", "environments", "lifecycles", "machines", "projectGroups", "projects"
    )
    environments = _each(fields.get("environments"), _Node.text, str)
    lifecycles = _each(
        fields.get("lifecycles"),
        lambda item: _lifecycle(item, environments),
        lambda each: each.name,
    )
    known = ("Default Lifecycle", *(each.name for each in lifecycles))
    projects = _each(
        fields.get("projects"),
        lambda item: _project(item, environments, known, _names(fields["projects"])),
        lambda each: each.name,
    )
    return SeedSpace(
        _need(fields, "name", node).text(),
        default=fields["default"].flag() if "default" in fields else None,
        environments=environments,
        lifecycles=lifecycles,
        machines=_each(
            fields.get("machines"),
            lambda item: _machine(item, environments),
            lambda each: each.name,
        ),
        project_groups=_each(fields.get("projectGroups"), _Node.text, str),
        projects=projects,
    )


def _machine(node: _Node, environments: tuple[str, ...]) -> SeedMachine:
    fields = node.fields("name", "environments", "roles")
    return SeedMachine(
        _need(fields, "name", node).text(),
        tuple(
            _one_of(item, environments, "environment")
            for item in _need(fields, "environments", node).items()
        ),
        _texts(_need(fields, "roles", node)),
    )


def _one_of(node: _Node, known: tuple[str, ...], what: str) -> str:
    name = node.text()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f", did you mean {close[0]!r}?" if close else ""
        raise node.problem(f"no {what} {name!r} in this space{hint}")
    return name


def _lifecycle(node: _Node, environments: tuple[str, ...]) -> SeedLifecycle:
    fields = node.fields("name", "phases")
    phases = _each(
        fields.get("phases"), lambda item: _phase(item, environments), lambda each: each.name
    )
    return SeedLifecycle(_need(fields, "name", node).text(), phases)


def _phase(node: _Node, environments: tuple[str, ...]) -> SeedPhase:
    fields = node.fields("name", "environments", "automatic", "minimum", "optional")

    def targets(name: str) -> tuple[str, ...]:
        items = fields[name].items() if name in fields else []
        return tuple(_one_of(item, environments, "environment") for item in items)

    return SeedPhase(
        _need(fields, "name", node).text(),
        environments=targets("environments"),
        automatic=targets("automatic"),
        minimum=fields["minimum"].whole(0) if "minimum" in fields else 0,
        optional=fields["optional"].flag() if "optional" in fields else False,
    )


def _names(node: _Node) -> tuple[str, ...]:
    """Return the names in a list of mappings, as far as they are there."""
    values = node.value if isinstance(node.value, list) else []
    return tuple(str(each["name"]) for each in values if isinstance(each, dict) and "name" in each)


def _trigger(node: _Node, environments: tuple[str, ...]) -> SeedTrigger:
    fields = node.fields("name", "cron", "from", "to")
    cron = _need(fields, "cron", node)
    try:
        parse_cron(cron.text())
    except BadCron as error:
        raise cron.problem(str(error)) from None
    return SeedTrigger(
        _need(fields, "name", node).text(),
        cron.text(),
        _one_of(_need(fields, "to", node), environments, "environment"),
        _one_of(fields["from"], environments, "environment") if "from" in fields else None,
    )


def _project(
    node: _Node,
    environments: tuple[str, ...],
    lifecycles: tuple[str, ...],
    projects: tuple[str, ...],
) -> SeedProject:
    fields = node.fields(
        "name", "slug", "group", "lifecycle", "steps", "packages", "releases", "deployed",
        "taskSeconds", "roles", "deploys", "triggers",
    )  # fmt: skip
    own = _need(fields, "name", node).text()
    before = projects[: projects.index(own)]
    releases = _each(fields.get("releases"), _release, lambda text: repr(version_key(text)))
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
        steps=_texts(fields.get("steps")),
        packages=_texts(fields.get("packages")),
        roles=_texts(fields.get("roles")),
        releases=releases,
        deployed=tuple(deployed),
        task_seconds=fields["taskSeconds"].seconds() if "taskSeconds" in fields else None,
        deploys=_each(
            fields.get("deploys"), lambda item: _one_of(item, before, "earlier project"), str
        ),
        triggers=_each(
            fields.get("triggers"),
            lambda item: _trigger(item, environments),
            lambda each: each.name,
        ),
    )


def _release(node: _Node) -> str:
    text = node.text()
    if not is_release_number(text):
        raise node.problem(f"{text!r} is no version number")
    return text
