"""An Octopus Deploy server in memory, reached over HTTP only.

Here live its state, its clock, its REST surface and its scripted faults, all written from the
product's public documentation and client sources. Nothing of the rest of Reconciler is imported,
wire models least of all: this is the second, independent reading of one API. Nothing here deploys
anything.
"""

from __future__ import annotations

from reconciler.simulator.application import RequestSeen
from reconciler.simulator.estates import seed_estate
from reconciler.simulator.faultfile import FaultsError, load_faults, parse_faults
from reconciler.simulator.faults import Fault, FaultKind
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
from reconciler.simulator.seedfile import load_seed, parse_seed, shipped_seeds
from reconciler.simulator.server import PortInUse, SimulatorServer, serve
from reconciler.simulator.simulator import BadKey, DeploymentSeen, Simulator
from reconciler.simulator.statefile import StateNotWritten
from reconciler.simulator.states import BadState
from reconciler.simulator.times import utcnow

__all__ = [
    "BadKey",
    "BadState",
    "DeploymentSeen",
    "Fault",
    "FaultKind",
    "FaultsError",
    "PortInUse",
    "RequestSeen",
    "Seed",
    "SeedError",
    "SeedLifecycle",
    "SeedMachine",
    "SeedPhase",
    "SeedProject",
    "SeedSpace",
    "SeedTrigger",
    "SeedUser",
    "Simulator",
    "SimulatorServer",
    "StateNotWritten",
    "load_faults",
    "load_seed",
    "parse_faults",
    "parse_seed",
    "seed_estate",
    "serve",
    "shipped_seeds",
    "utcnow",
]
