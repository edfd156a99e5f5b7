"""What commands share that people run as themselves: their own key, and nobody else's (rule 29)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from reconciler.core.manifest import Space
    from reconciler.engine.person import Someone
    from reconciler.ports import OctopusPerson


def myself() -> Someone:
    """Return whoever runs this command, with their own key. Raises: UsageError without one."""
    from reconciler.bootstrap import open_person
    from reconciler.cli.scope import login
    from reconciler.cli.session import say
    from reconciler.credentials import users_own
    from reconciler.engine.person import Someone
    from reconciler.settings import read_settings

    own, settings = users_own(say), read_settings()

    def opened(space: Space) -> AbstractAsyncContextManager[OctopusPerson]:
        return open_person(settings, space, own)

    return Someone(opened, login())
