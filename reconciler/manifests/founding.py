"""The first manifests of a space, as files: what `init` writes, and nothing that is there already.

Every foreign name is quoted where YAML could misread it, and cleaned where it stands in a comment
(rules 6, 52). No file has a time or anybody's name in it: the same estate gives the same bytes.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.core.manifest import API_VERSION, DesiredState
from reconciler.core.policy import Mode
from reconciler.core.text import clean
from reconciler.errors import ManifestsInvalid, UsageError
from reconciler.manifests.folder import load_folder
from reconciler.manifests.wording import shown
from reconciler.manifests.writing import quoted, scalar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from reconciler.core.deployers import Deployer
    from reconciler.core.estate import Estate, FoundComponent, FoundEnvironment, FoundRing

WATCHED, PROTECTED = "observe", "observe-protected"
"""The policies of what was adopted; both only observe."""
MOST_NAMED = 5
"""Components that a comment names one by one."""
MOST_NEVER = 200
"""Components never deployed to an environment that its comment names."""
_REMARK = 300

_SPACE = """\
# Where the API keys are found, never the keys. `observe` is used for reading. For deploying name
# another one beside it, as `deploy`; until then nothing is ever deployed.
"""
_WATCHED = """\
# Look, tell what differs, change nothing. A policy with `mode: apply` lets merged commits be
# carried out; give an environment one when its plans have been right for a while.
"""
_PROTECTED = """\
# For environments that people depend on: look, tell what differs, change nothing. With
# `mode: apply` any downgrade is still held until somebody approves it, because of `protected`.
"""


def estate_files(estate: Estate, out: Path) -> dict[str, bytes]:
    """Return every file of an estate by its path in `out`: space, policies, stack, environments.

    Policies that are there are used again where they say the same; one that was changed may do more
    than observe, so the space gets one of its own beside it.
    """
    policies: dict[str, bytes] = {}
    names: dict[bool, str] = {}
    for protected in sorted({one.is_protected for one in estate.environments}):
        usual = PROTECTED if protected else WATCHED
        name = usual
        for name in (usual, f"{usual}-{estate.space}"):
            path, data = f"policies/{name}.yaml", _policy(name, protected=protected).encode()
            if _content(out / path) in (None, data):
                break
        policies[path], names[protected] = data, name
    texts = {
        f"spaces/{estate.space}.yaml": _space(estate),
        f"stacks/{estate.stack}.yaml": _stack(estate),
        **{
            environment_path(one): _environment(estate, one, names[one.is_protected])
            for one in estate.environments
        },
    }
    return policies | {path: text.encode() for path, text in texts.items()}


def environment_path(environment: FoundEnvironment) -> str:
    """Return where the manifest of an environment is put."""
    return f"environments/{environment.name}.yaml"


def check_files(out: Path, files: Mapping[str, bytes], estate: Estate) -> None:
    """See that a folder would be valid with these files, and that the estate would be observed.

    Raises: ManifestsInvalid; UsageError where something there cannot be read.
    """
    found = load_folder(out, files)
    lines = [str(problem) for problem in found.problems]
    for one in estate.environments:
        state = found.environments.get(one.name)
        if isinstance(state, DesiredState) and state.policy.mode is not Mode.OBSERVE:
            lines.append(f"{state.environment.place}: its policy does more than observe")
    if lines:
        raise ManifestsInvalid(
            f"the manifests in {shown(str(out))} would not be valid; nothing was written",
            lines=lines,
            hint="mend these, or name an empty folder with --out, then run the same again",
        )


def write_files(out: Path, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Write files that are not there yet; return the paths of those that were.

    A file that is there with the same bytes is left alone. One with other bytes is never touched:
    then nothing is written at all.

    Raises: UsageError.
    """
    standing = {path: _content(out / path) for path in files}
    differing = [path for path in files if standing[path] not in (None, files[path])]
    if differing:
        raise UsageError(
            f"{shown(differing[0])} is there already and says something else"
            f"{f', and so are {len(differing) - 1} more' if differing[1:] else ''}; "
            "nothing was written",
            hint="move it away, or name another folder with --out",
        )
    made: list[str] = []
    try:
        for path, data in files.items():
            if standing[path] is None:
                _make(out / path, data)
                made.append(path)
    except OSError as error:
        for path in made:
            with suppress(OSError):
                (out / path).unlink()
        raise UsageError(
            f"{shown(str(error.filename), 200)} cannot be written "
            f"({shown(error.strerror or 'no reason given')}); no file was left behind",
            hint="name a folder that this user may write to with --out",
        ) from error
    return tuple(made)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(
            f"{shown(str(path), 200)} cannot be read ({shown(error.strerror or 'no reason given')})"
            "; nothing was written",
            hint="check what it is, or name another folder with --out",
        ) from error


def _make(path: Path, data: bytes) -> None:
    """Make one new file, whole or not at all, through no link."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
    except OSError:
        path.unlink()
        raise


# --- the files ----------------------------------------------------------------------------------


def _space(estate: Estate) -> str:
    return (
        f"{_SPACE}{_head('Space', estate.space)}"
        "spec:\n"
        f"  server: {scalar(estate.server)}\n"
        f"  space: {scalar(estate.octopus_space)}\n"
        "  credentials:\n"
        f"    observe: {{env: {estate.key_variable}}}\n"
    )


def _policy(name: str, *, protected: bool) -> str:
    about, more = (_PROTECTED, "  protected: true\n") if protected else (_WATCHED, "")
    return f"{about}{_head('Policy', name)}spec:\n  mode: observe\n{more}"


def _stack(estate: Estate) -> str:
    lines = [
        f"# The projects of the Octopus space {clean(estate.octopus_space, 80)}.",
        "# `after` names what is deployed first; known so far is which project deploys others.",
        "# Say `direction: up-only` of databases, which are never to go back.",
    ]
    lines += [f"# Left out: {clean(name, 80)} ({clean(why)})" for name, why in estate.left]
    group = None
    named: list[str] = []
    for one in estate.components:
        if one.group != group:
            group = one.group
            named += [f"    # {clean(group, 80)}"] if group else []
        named.append(f"    {scalar(one.name)}: {_component(one)}")
    body = ["spec:", "  components:" if named else "  components: {}", *named]
    return _joined([*lines, _head("Stack", estate.stack).rstrip("\n"), *body])


def _component(one: FoundComponent) -> str:
    fields = [f"project: {scalar(one.project)}"] if one.project else []
    if one.after:
        fields.append(f"after: [{', '.join(map(scalar, one.after))}]")
    return "{" + ", ".join(fields) + "}"


def _environment(estate: Estate, one: FoundEnvironment, policy: str) -> str:
    lines = [
        f"# What runs in {clean(one.title, 80)}, of the Octopus space "
        f"{clean(estate.octopus_space, 80)}.",
        "# Change a pin, and the plan says what that would do.",
        *_others(one.deployers, one.unread),
        _head("Environment", one.name).rstrip("\n"),
        "spec:",
        f"  octopus: {{{_where(estate, one)}}}",
        f"  stack: {scalar(estate.stack)}",
        f"  policy: {scalar(policy)}",
        "  components:" if one.pins else "  components: {}",
    ]
    cells = {pin.component: _pin(pin.component, pin.version, pin.remark) for pin in one.pins}
    for out in one.left:
        line = clean(out.component) if out.version is None else _pin(out.component, out.version)
        cells[out.component] = f"# {line} # left out: {clean(out.why, _REMARK)}"
    lines += [f"    {cells[name]}" for name in sorted(cells)]
    if one.never:
        lines.append(f"    # never deployed here: {_listed(one.never, MOST_NEVER)}")
    return _joined([*lines, *_rings(one.rings)])


def _where(estate: Estate, one: FoundEnvironment) -> str:
    where = f"space: {scalar(estate.space)}, environment: {scalar(one.reference)}"
    tenants = ", ".join(map(scalar, one.tenants))
    return f"{where}, tenants: [{tenants}]" if tenants else where


def _rings(rings: Iterable[FoundRing]) -> Iterator[str]:
    for number, ring in enumerate(rings):
        if number == 0:
            yield "  # What these tenants run and others do not, or not all of them."
            yield "  rings:"
        yield f"    {scalar(ring.name)}:"
        yield f"      tenants: [{', '.join(map(scalar, ring.tenants))}]"
        yield "      components:"
        yield from (f"        {_pin(pin.component, pin.version)}" for pin in ring.pins)


def _pin(component: str, version: str, remark: str = "") -> str:
    said = f" # {clean(remark, _REMARK)}" if remark else ""
    return f"{scalar(component)}: {quoted(version)}{said}"


def _others(
    deployers: Iterable[tuple[Deployer, tuple[str, ...]]], unread: Iterable[str]
) -> Iterator[str]:
    found = [f"#   {who.words}: {_listed(names)}" for who, names in deployers]
    if found:
        yield "#"
        yield "# Others deploy here too, by themselves. Before a policy may heal, disable them in"
        yield "# Octopus, or name those that may stay under `alsoDeployedBy`:"
        yield from found
    if doubts := [f"# {clean(words, _REMARK)}" for words in unread]:
        yield "#"
        yield "# Perhaps others deploy here, because:"
        yield from doubts


def _listed(names: Collection[str], most: int = MOST_NAMED) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(sorted(names)[:most]) + more


def _head(kind: str, name: str) -> str:
    return f"apiVersion: {API_VERSION}\nkind: {kind}\nmetadata: {{name: {scalar(name)}}}\n"


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
