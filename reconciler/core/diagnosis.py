"""What was seen of a server, a key, an environment, judged: values in, findings out."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.core.checkup import Check, Finding, Verdict
from reconciler.core.role import Use, lacks
from reconciler.core.servers import FEATURES, OLDEST, TESTED, is_at_least, missing_features
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.checkup import Keeping, KeySeen, ServerSeen
    from reconciler.core.deployers import Deployer, Others
    from reconciler.core.manifest import CredentialSource, Space
    from reconciler.core.platform import PlatformVersion
    from reconciler.core.role import Lack, Square
    from reconciler.errors import ReconcilerError

CLOCK_WARNS: Final = 10.0
"""Seconds between two clocks from which on windows, holds and leases are visibly off."""
EXPIRY_WARNS: Final = timedelta(days=21)
"""How long before a key expires somebody should make another; Octopus' default life is 180 days."""
NAMED: Final = 5


def failure(check: Check, about: str, error: ReconcilerError) -> Finding:
    """Return a failure as the finding it is: its own words, and its own way out."""
    says = clean(error.message, 400).rstrip(".")
    return Finding(check, about, Verdict.FAILED, says, clean(error.hint, 300) or "try again")


def server_findings(about: str, seen: ServerSeen) -> Iterator[Finding]:
    """Judge a server: version, features, maintenance, clock, ways to sign in."""
    version = seen.server.version
    told = f"Octopus {clean(version, 40)}"
    match is_at_least(version, OLDEST):
        case None:
            yield Finding(
                Check.SERVER,
                about,
                Verdict.UNKNOWN,
                f"{told}: a version that cannot be read",
                "see docs/servers.md for what each version has",
            )
        case False:
            yield Finding(
                Check.SERVER,
                about,
                Verdict.WARNING,
                f"{told} is older than {OLDEST}, the oldest whose routes are known",
                "upgrade Octopus; until then see whether `reconciler plan` reads it whole",
            )
        case True:
            yield Finding(Check.SERVER, about, Verdict.OK, f"{told} (tested with {TESTED})")
    if seen.in_maintenance:
        yield Finding(
            Check.SERVER,
            about,
            Verdict.WARNING,
            "Octopus is in maintenance mode: it takes no deployments",
            "wait, or let an administrator end it (Configuration, Maintenance)",
        )
    yield _features(about, seen)
    yield _clock(about, seen.ahead)
    if seen.logins is not None:
        ways = ", ".join(
            f"{clean(name, 40)}{' (password)' if takes_password else ''}"
            for name, takes_password in seen.logins[:NAMED]
        )
        yield Finding(Check.LOGINS, about, Verdict.OK, f"people sign in by {ways or 'nothing'}")


def _features(about: str, seen: ServerSeen) -> Finding:
    lacking = [one.name for one in missing_features(seen.server.version)]
    freezes = next(one.name for one in FEATURES if "freeze" in one.name)
    if seen.has_freezes is False and freezes not in lacking:
        lacking.append(freezes)
    if not lacking:
        return Finding(Check.FEATURES, about, Verdict.OK, "it has all that can be used")
    return Finding(
        Check.FEATURES,
        about,
        Verdict.WARNING,
        f"not supported here: {', '.join(lacking)}",
        "nothing, or upgrade Octopus: docs/servers.md says what is so without them",
    )


def _clock(about: str, ahead: float | None) -> Finding:
    if ahead is None:
        return Finding(
            Check.CLOCK,
            about,
            Verdict.UNKNOWN,
            "its answers have no time",
            "let what stands between here and Octopus pass the header Date on",
        )
    if abs(ahead) <= CLOCK_WARNS:
        says = f"its clock and this machine's agree, to {CLOCK_WARNS:.0f} s"
        return Finding(Check.CLOCK, about, Verdict.OK, says)
    how = f"its clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
    return Finding(
        Check.CLOCK,
        about,
        Verdict.WARNING,
        f"{how}: holds, windows and leases are judged by this machine's",
        "keep both by NTP (timedatectl set-ntp true)",
    )


def key_findings(
    about: str,
    use: Use,
    where: str,
    seen: KeySeen,
    space_id: str | None,
    cells: Iterable[Square],
    now: datetime,
    *,
    approvals: bool = False,
    runbooks: bool = False,
) -> Iterator[Finding]:
    """Judge an accepted key: whose it is, when it expires, what it may.

    `where` is its place. `approvals`: plans of the space may need some. `runbooks`: a stack
    runs some. `space_id` None: it is not known, so what it may there is not judged.
    """
    who = f"the {use} key ({where}) is {clean(seen.user.username, 80)}'s"
    if seen.permissions.administers_system:
        refused = use is Use.DEPLOY
        yield Finding(
            Check.KEY,
            about,
            Verdict.FAILED if refused else Verdict.WARNING,
            f"{who}, who administers the system"
            + (": `apply` refuses it, since it deploys in maintenance mode" if refused else ""),
            "use a service account with the role of `reconciler doctor --print-role`",
        )
    elif not seen.user.is_service:
        yield Finding(
            Check.KEY,
            about,
            Verdict.WARNING,
            f"{who}, a person: it ends with the account, and its deployments look like theirs",
            "make a service account in Octopus, and a key for it",
        )
    else:
        yield Finding(Check.KEY, about, Verdict.OK, f"{who}, a service account")
    yield _expiry(about, use, seen, now)
    if not seen.permissions.administers_system and space_id is not None:
        lacking = lacks(
            use, seen.permissions, space_id, cells, approvals=approvals, runbooks=runbooks
        )
        yield _permissions(about, use, seen, lacking)


def _expiry(about: str, use: Use, seen: KeySeen, now: datetime) -> Finding:
    if seen.expires is None:
        if seen.expiry_told:
            return Finding(Check.EXPIRY, about, Verdict.OK, f"the {use} key does not expire")
        return Finding(
            Check.EXPIRY,
            about,
            Verdict.UNKNOWN,
            f"Octopus does not tell when the {use} key expires",
            "look at the user's API keys in Octopus; by default they last 180 days",
        )
    day = f"{seen.expires:%Y-%m-%d}"
    left = seen.expires - now
    if left > EXPIRY_WARNS:
        return Finding(Check.EXPIRY, about, Verdict.OK, f"the {use} key expires on {day}")
    soon = max(left.days, 0)
    return Finding(
        Check.EXPIRY,
        about,
        Verdict.WARNING,
        f"the {use} key expires on {day}, in {soon} day{'' if soon == 1 else 's'}",
        "make another one in Octopus and put it in its place; no restart is needed for files",
    )


def _permissions(about: str, use: Use, seen: KeySeen, lacking: tuple[Lack, ...]) -> Finding:
    if not lacking:
        return Finding(Check.PERMISSIONS, about, Verdict.OK, f"the {use} key may all it needs")
    told = [
        f"{one.need.permission}{f' ({one.where})' if one.where else ''}: {one.need.without}"
        for one in lacking
    ]
    vital = any(one.need.is_vital for one in lacking)
    if not seen.permissions.complete:
        verdict = Verdict.UNKNOWN  # what is not shown may be there
    else:
        verdict = Verdict.FAILED if vital else Verdict.WARNING
    return Finding(
        Check.PERMISSIONS,
        about,
        verdict,
        f"the {use} key lacks {'; '.join(told)}",
        "give its user the role of `reconciler doctor --print-role`",
    )


def deployer_finding(
    about: str, others: Mapping[CellKey, Others], named: Collection[str]
) -> Finding:
    """Tell who else deploys to an environment and is not named in it."""
    counted: Counter[Deployer] = Counter()
    for one in others.values():
        counted.update(one.unnamed(named))
    unread = sorted({clean(words, 200) for one in others.values() for words in one.unread})
    if counted:
        first = [f"{who.words} ({cells} cells)" for who, cells in counted.most_common(NAMED)]
        more = f" and {len(counted) - NAMED} more" if len(counted) > NAMED else ""
        return Finding(
            Check.DEPLOYERS,
            about,
            Verdict.WARNING,
            f"also deployed by {', '.join(first)}{more}",
            "disable them in Octopus, or name those that may stay under `alsoDeployedBy`",
        )
    if unread:
        return Finding(
            Check.DEPLOYERS,
            about,
            Verdict.UNKNOWN,
            f"who else deploys is not known: {'; '.join(unread[:NAMED])}",
            "give the observe key ProcessView, LifecycleView and TriggerView in the whole space",
        )
    return Finding(Check.DEPLOYERS, about, Verdict.OK, "nobody else deploys there unnamed")


def retention_finding(about: str, waiting: Mapping[str, Keeping | None]) -> Finding:
    """Tell which pins that run nowhere yet may lose their release.

    `waiting` has each such cell with the lifecycle its project follows, None where not known.
    """
    endangered = {
        cell: keeping for cell, keeping in waiting.items() if keeping is not None and keeping.keeps
    }
    if endangered:
        cell, keeping = min(endangered.items())
        more = f" and {len(endangered) - 1} more" if len(endangered) > 1 else ""
        return Finding(
            Check.RETENTION,
            about,
            Verdict.WARNING,
            f"the pinned release of {cell}{more} does not run there, and lifecycle "
            f"'{clean(keeping.name, 80)}' keeps releases for {keeping.keeps} only",
            "deploy them, pin what runs, or keep releases longer in that lifecycle",
        )
    if any(keeping is None for keeping in waiting.values()):
        return Finding(
            Check.RETENTION,
            about,
            Verdict.UNKNOWN,
            "what retention keeps could not be read",
            "give the observe key LifecycleView in the whole space",
        )
    return Finding(Check.RETENTION, about, Verdict.OK, "retention keeps every pinned release")


def platform_finding(
    platform: PlatformVersion, space: str, gone: Collection[str], asked: int
) -> Finding:
    """Tell whether the releases of a platform version are still there; `gone` are components."""
    about = f"platform version {clean(platform.name, 60)}"
    if not gone:
        return Finding(
            Check.RETENTION, about, Verdict.OK, f"all {asked} releases are still in space {space}"
        )
    first = ", ".join(sorted(gone)[:NAMED])
    more = f" and {len(gone) - NAMED} more" if len(gone) > NAMED else ""
    return Finding(
        Check.RETENTION,
        about,
        Verdict.WARNING,
        f"space {space} has no release any more of {first}{more}: there is no way back to it",
        "keep releases longer in their lifecycles; make these again from the same packages",
    )


def shared_keys(spaces: Iterable[Space]) -> Iterator[Finding]:
    """Tell of every key that is sent to more than one server: each of them could use it."""
    servers: dict[CredentialSource, set[str]] = {}
    for space in spaces:
        for source in (space.observe, space.deploy):
            if source is not None:
                servers.setdefault(source, set()).add(space.server)
    for source, where in servers.items():
        if len(where) > 1:
            kind = "variable" if source.env else "file"
            name = clean(source.env or source.file or "", 80)
            told = ", ".join(clean(one, 120) for one in sorted(where))
            yield Finding(
                Check.KEY,
                "",
                Verdict.WARNING,
                f"the key in {kind} {name} is sent to {len(where)} servers: {told}",
                "give each server a key of its own, and name it in the Space manifest",
            )
