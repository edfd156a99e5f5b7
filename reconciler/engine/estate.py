"""A space looked at as a whole, to write it down for the first time or to see what is new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.estate_find import find_estate
from reconciler.core.estate_news import in_this_space, known_of, news, only_new
from reconciler.ports import Known as Details

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from reconciler.core.estate import Estate
    from reconciler.core.estate_news import News
    from reconciler.core.manifest import DesiredState, ManifestSet
    from reconciler.core.state import User
    from reconciler.ports import Octopus


@dataclass(frozen=True, slots=True)
class Surveyed:
    """An estate, when it was read and by whom.

    `is_known`: manifests of it are there already. Then `news` tells what differs from them, and
    `new` is the part of it that has no manifest.
    """

    estate: Estate
    read_at: datetime
    me: User
    is_known: bool
    news: tuple[News, ...]
    new: Estate


async def survey_estate(
    octopus: Octopus,
    server: str,
    manifests: ManifestSet,
    candidates: Sequence[DesiredState],
    protected: Callable[[str], bool],
) -> Surveyed:
    """Read a space once, and tell it as manifests.

    `candidates` are those environments of `manifests` whose space is on the same server;
    `protected` tells by its name whether an environment is.

    Raises: Unreachable, RateLimited, BadAnswer, NotAllowed, RemoteRejected.
    """
    state = await octopus.look(Details({}, {}), tenants=True)
    automation = await octopus.automation(state)
    groups = await octopus.project_groups(state)
    ours = in_this_space(candidates, state)
    known = known_of(ours, manifests, state)
    estate = find_estate(server, state, automation, groups, protected=protected, known=known)
    return Surveyed(
        estate=estate,
        read_at=state.read_at,
        me=state.me,
        is_known=bool(ours),
        news=news(estate, ours, state) if ours else (),
        new=only_new(estate, ours, state) if ours else estate,
    )
