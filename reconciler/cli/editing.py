"""What the commands that edit manifests share: who asks, until when, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from reconciler.cli.leaving import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from reconciler.core.manifest import Until
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited
    from reconciler.settings import Settings

C = TypeVar("C", bound="Callable[..., Any]")

_LONGEST_LINE = 400
_SERVICE = "Reconciler <reconciler@localhost>"

as_option = click.option(
    "--as",
    "person",
    metavar="'NAME <EMAIL>'",
    help="Author of the commit; default: the setting `author`.",
)
until_option = click.option(
    "--until",
    metavar="TIME",
    help="When it ends by itself, such as 2026-12-01T00:00:00Z; default: never.",
)


def until_of(reason: str, until: str | None) -> Until:
    """Return the reason and time a person gave. Raises: click.UsageError."""
    from reconciler.core.manifest import Until
    from reconciler.manifests.formats import parse_time

    try:
        return Until(reason, None if until is None else parse_time(until))
    except ValueError as error:
        raise click.UsageError(f"--until: {error}") from None


def run_edit(
    work: Callable[[Doors, Asked], Coroutine[Any, Any, Edited]],
    repo: str | None,
    person: str | None,
) -> Exit:
    """Do one edit in the name of a person, and tell what became of it.

    Raises: UsageError where nobody is named.
    """
    from reconciler.cli.session import with_doors

    asked = _asked(person)
    return tell(with_doors(lambda doors: work(doors, asked), repo, records=True))


def _asked(person: str | None) -> Asked:
    from reconciler.core.edit import Person
    from reconciler.engine.edit import Asked
    from reconciler.errors import UsageError
    from reconciler.settings import read_settings

    settings = read_settings()
    named = person or settings.author
    if named is None:
        raise UsageError(
            "a commit needs an author, and nobody is named; nothing was changed",
            hint="give --as 'Name <email>', or set RECONCILER_AUTHOR",
        )
    straight = settings.edits == "push"
    if straight and settings.git.allowed_signers is not None and settings.git.signing_key is None:
        raise UsageError(
            "signed commits are required (git.allowed_signers), and an edit would go to the watched"
            " branch without a signature, which holds every environment; nothing was changed",
            hint="set RECONCILER_GIT__SIGNING_KEY to an SSH key that is allowed, or "
            "RECONCILER_EDITS=branch for a branch of its own",
        )
    try:
        return Asked(Person.parse(named), straight=straight)
    except ValueError as error:
        raise UsageError(
            f"{error}; nothing was changed",
            hint="give --as 'Ann Author <ann@example.org>', or set RECONCILER_AUTHOR so",
        ) from None


def asked_by_service(settings: Settings) -> Asked:
    """Return who asks for what the daemon proposes by itself: the setting `author`, or the service.

    Where signed commits are required and none can be made here, edits go to a branch (rule 28).
    """
    from reconciler.core.edit import Person
    from reconciler.engine.edit import Asked
    from reconciler.errors import UsageError

    git = settings.git
    unsigned = git.allowed_signers is not None and git.signing_key is None
    try:
        who = Person.parse(settings.author or _SERVICE)
    except ValueError as error:
        raise UsageError(
            f"{error}; nothing was started",
            hint="set RECONCILER_AUTHOR to 'Name <email>', or leave it unset",
        ) from None
    return Asked(who, straight=settings.edits == "push" and not unsigned)


def tell(edited: Edited) -> Exit:
    """Print the diff to stdout; what was pushed, what was left and what comes next to stderr."""
    from reconciler.cli.render.plan import DIGITS, read_at
    from reconciler.cli.session import say
    from reconciler.core.text import clean

    draft = edited.draft
    for path, before, after in edited.files:
        for line in _diff(path, before, after):
            click.echo(clean(line, _LONGEST_LINE))
    for line in draft.lines if edited.commit is not None else ():
        say(clean(line, _LONGEST_LINE))
    for component, why in draft.left:
        say(f"left as it is: {clean(component, 80)} ({clean(why, 300)})")
    at = f"commit {draft.commit[:DIGITS]}"
    if draft.read_at is not None:
        at += f", Octopus read {read_at(draft.read_at)}"
    if edited.commit is None:
        say(f"{clean(draft.nothing, 300)} (at {at}); nothing was pushed")
        return Exit.OK
    made = f"commit {edited.commit[:DIGITS]}, on {at}"
    if edited.branch == edited.watched:
        say(f"pushed to the watched branch {clean(edited.branch, 80)} ({made})")
        say(f"next: reconciler plan {draft.environment}")
    else:
        say(f"pushed branch {edited.branch} ({made})")
        say(
            f"next: open a pull request from it to {clean(edited.watched, 80)}; nothing changes"
            " before it is merged"
        )
    return Exit.OK


def _diff(path: str, before: bytes | None, after: bytes) -> list[str]:
    from difflib import unified_diff

    old = [] if before is None else _lines(before)
    origin = "/dev/null" if before is None else f"a/{path}"
    delta = unified_diff(old, _lines(after), origin, f"b/{path}", n=2)
    return [line.rstrip("\n") for line in delta]


def _lines(content: bytes) -> list[str]:
    """Return lines as a terminal shows them: without line ends and BOM."""
    text = content.decode("utf-8").removeprefix("\ufeff")
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
