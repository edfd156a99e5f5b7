"""The cells of an estate: every component in every environment, judged as a pass would judge it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.core.cell import Excluded, NeverDeployed, Settled, Unobserved, Unsettled
from reconciler.core.deployers import who_else
from reconciler.core.estate import FoundEnvironment, FoundPin, LeftOut, is_pin, is_text
from reconciler.core.estate_tenants import no_success, no_version, pinnable, quoted, serve
from reconciler.core.manifest import DesiredState, Environment, Pin, Place, Space
from reconciler.core.policy import Policy
from reconciler.core.sighting import observe
from reconciler.core.stack import Component, Stack
from reconciler.core.tenant import NOBODY, Selection
from reconciler.core.text import clean
from reconciler.core.version import OctopusVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from reconciler.core.cell import ObservedCell
    from reconciler.core.deployers import Automation, Deployer
    from reconciler.core.estate import FoundComponent
    from reconciler.core.estate_tenants import Served
    from reconciler.core.state import OctopusEnvironment, SpaceState

MOST_VERSIONS: Final = 3
"""Versions of one component's tenants that are named."""
MOST_TENANTS: Final = 1000
"""Tenants that one manifest may name."""

_NOWHERE = Place("", 0, 0)


class EstateCells:
    """One reading of a space, asked environment by environment."""

    def __init__(
        self,
        state: SpaceState,
        automation: Automation,
        server: str,
        space: str,
        components: Sequence[FoundComponent],
    ) -> None:
        self._state = state
        self._automation = automation
        self._space = Space(space, server, state.space_id, None, None, _NOWHERE)
        whole = {one.name: Component(one.name, one.project_id, _NOWHERE) for one in components}
        self._stack = Stack(space, whole, _NOWHERE)
        self._pins = {name: Pin("", _NOWHERE) for name in whole}
        by_id = {project.id: project for project in state.projects}
        self._projects = {one.name: by_id[one.project_id] for one in components}
        self._tenanted = _versions_of_tenants(state)

    def environments(
        self, one: OctopusEnvironment, name: str, apart: str, protected: Callable[[str], bool]
    ) -> tuple[FoundEnvironment, ...]:
        """Judge every component there, and who else deploys it.

        One manifest tells all of it where it can: one that names tenants deploys to them whatever
        may be deployed so. Where that is deployed without a tenant too, tenants get their own,
        which is called `apart`; what both run is pinned in the first and told in the other, because
        no two manifests may pin one project in one place.
        """
        served = None if self._state.tenants is None else self._served(one)
        whole = self._whole(one, name, protected, served)
        if served is None:
            return (whole,)
        never = tuple(one for one in whole.never if one not in served.components)
        shared = {*(pin.component for pin in whole.pins), *(out.component for out in whole.left)}
        if all(self._projects[name].tenanted_mode == "Untenanted" for name in shared):
            return (
                replace(
                    whole,
                    never=never,
                    pins=tuple(sorted((*whole.pins, *served.pins), key=_component)),
                    left=(*whole.left, *served.left),
                    tenants=served.tenants,
                    rings=served.rings,
                    runs={**whole.runs, **served.runs},
                ),
            )
        served = served.without(frozenset(pin.component for pin in whole.pins), name)
        if not served.pins and not served.rings:
            return (self._whole(one, name, protected, None),)
        return (
            replace(whole, never=never),
            replace(
                whole,
                name=apart,
                pins=served.pins,
                left=served.left,
                never=(),
                tenants=served.tenants,
                rings=served.rings,
                runs=served.runs,
                deployers=(),
                unread=(),
            ),
        )

    def _whole(
        self,
        one: OctopusEnvironment,
        name: str,
        protected: Callable[[str], bool],
        served: Served | None,
    ) -> FoundEnvironment:
        """Judge what runs without a tenant; `served`: a manifest tells of the tenants, too."""
        observed = observe(self._desired(one.id), self._state, None)
        judged: dict[str, FoundPin | LeftOut | None] = {}
        for key, cell in sorted(observed.cells.items()):
            judged[key] = self._judged(key, cell, one.id, served)
        others = who_else(observed, self._state, self._automation)
        by_deployer: dict[Deployer, list[str]] = {}
        for key in sorted(others):
            for who in others[key].deployers:
                by_deployer.setdefault(who, []).append(key)
        pins = tuple(pin for pin in judged.values() if isinstance(pin, FoundPin))
        return FoundEnvironment(
            name=name,
            id=one.id,
            reference=self._named(one),
            title=one.name,
            is_protected=protected(one.name),
            pins=pins,
            left=tuple(out for out in judged.values() if isinstance(out, LeftOut)),
            never=tuple(name for name, found in judged.items() if found is None),
            runs={(pin.component, None): pin.version for pin in pins},
            deployers=tuple((who, tuple(names)) for who, names in sorted(by_deployer.items())),
            unread=tuple(sorted({words for one in others.values() for words in one.unread})),
        )

    def _served(self, one: OctopusEnvironment) -> Served | None:
        """Return what tenants run there; None: there are none."""
        whom = {i.tenant_id for i in self._state.items if i.environment_id == one.id} - {None}
        tenants = tuple(t for t in self._state.tenants or () if t.id in whom)
        if not tenants or len(tenants) > MOST_TENANTS:
            return None
        names = Selection(names=tuple(tenant.id for tenant in tenants))
        observed = observe(self._desired(one.id, names), self._state, None)
        return serve(tenants, [cell for _, cell in sorted(observed.cells.items())])

    def _desired(self, environment: str, tenants: Selection = NOBODY) -> DesiredState:
        pins = self._pins
        if tenants:
            may = (n for n in pins if self._projects[n].tenanted_mode != "Untenanted")
            pins = {name: pins[name] for name in may}
        place = Environment(
            "", self._space.name, environment, "", None, pins, _NOWHERE, tenants=tenants
        )
        return DesiredState(place, self._space, self._stack, Policy())

    def _named(self, one: OctopusEnvironment) -> str:
        alike = self._state.environments_by_name.get(one.name.casefold(), ())
        return one.name if is_text(one.name) and len(alike) == 1 else one.id

    def _judged(
        self, component: str, cell: ObservedCell, environment: str, served: Served | None
    ) -> FoundPin | LeftOut | None:
        """Return the pin of a cell, why it has none, or None where nothing was ever deployed."""
        project = cell.project
        tenants = ""
        if project is not None and served is None:
            tenants = self._tenanted.get((project.id, environment), "")
        match cell.sighting:
            case Settled(version=version):
                if not is_pin(version):
                    return LeftOut(component, no_version(version))
                remarks = (
                    "a prerelease" if OctopusVersion.parse(version).prerelease else "",
                    "" if cell.newest_is_judged else "a deployment is under way",
                    f"{tenants}, which are not pinned" if tenants else "",
                )
                return FoundPin(component, version, "; ".join(filter(None, remarks)))
            case Unsettled(version=before, attempted=attempted, why=why):
                return LeftOut(component, no_success(attempted, why), pinnable(before))
            case NeverDeployed() if tenants or cell.newest is not None:
                return LeftOut(component, tenants or "its first deployment is under way")
            case NeverDeployed():
                return None
            case Unobserved() if served is not None and component in served.components:
                return None
            case Unobserved(why=why) | Excluded(why=why):
                return LeftOut(component, tenants or clean(why))


def _versions_of_tenants(state: SpaceState) -> dict[tuple[str, str], str]:
    """Say for each project and environment, by their ids, what its tenants run."""
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for item in state.items:
        if item.tenant_id is not None and not item.is_previous:
            cell = found.setdefault((item.project_id, item.environment_id), {})
            cell.setdefault(item.version, set()).add(item.tenant_id)
    return {cell: _tenants_words(versions) for cell, versions in found.items()}


def _tenants_words(versions: Mapping[str, Collection[str]]) -> str:
    often = sorted(versions.items(), key=lambda one: (-len(one[1]), one[0]))
    told = [f"{quoted(version)} for {len(tenants)}" for version, tenants in often[:MOST_VERSIONS]]
    if len(often) > MOST_VERSIONS:
        told.append(f"{len(often) - MOST_VERSIONS} more versions")
    return f"it is deployed to tenants: {', '.join(told)}"


def _component(pin: FoundPin) -> str:
    return pin.component
