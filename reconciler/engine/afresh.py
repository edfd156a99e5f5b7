"""Survey afresh: a live look that takes nothing of a release for known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.engine.doors import blocking
from reconciler.engine.ground import fetch_audit, lay_ground
from reconciler.engine.survey import Reading, situate

if TYPE_CHECKING:
    from reconciler.engine.doors import Doors
    from reconciler.engine.survey import Situation


async def survey_afresh(doors: Doors, environment: str) -> Situation:
    """Survey an environment at the watched branch's tip, every release that runs asked for anew.

    What is kept of a release may be older than its snapshot of variables. Where the server's
    address is not the accepted one, it is not contacted, and nothing is known of any cell.

    Raises: as `survey`.
    """
    commit = await doors.gathering.fetch(doors.repository)
    await fetch_audit(doors)
    ground = await lay_ground(doors, environment, commit)
    if ground.is_moved:
        return await situate(doors, ground, None)
    octopus = doors.octopus(ground.tip_state.space)
    server, space_id = await octopus.identity()
    known = await blocking(doors.journal.known, server.installation_id, space_id)
    needs = {"tenants": ground.names_tenants, "machines": ground.serves_machines}
    state = await octopus.look(replace(known, releases={}), **needs)
    reading = Reading(state, await octopus.deployer())
    return await situate(
        doors, ground, reading.only(ground.tip_state, machines=ground.serves_machines)
    )
