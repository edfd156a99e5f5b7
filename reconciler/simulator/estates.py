"""Large seeds for tests: estates of as many projects and environments as asked for."""

from __future__ import annotations

from reconciler.simulator.seed import Seed, SeedProject, SeedSpace

__all__ = ["seed_estate"]


def seed_estate(
    projects: int,
    environments: int,
    *,
    space: str = "Estate",
    releases: int = 2,
    deployments: int | None = None,
    slots: int = 10,
) -> Seed:
    """Return a seed of one default space with `project-1` ... and `environment-1` ...

    Every project has the releases `1.0.0`, `1.1.0`, ..., and runs the last but one in every
    environment (the only one where there is no other), or in so many of them as `deployments` says.
    """
    versions = tuple(f"1.{minor}.0" for minor in range(max(1, releases)))
    runs = versions[max(0, len(versions) - 2)]
    names = tuple(f"environment-{number}" for number in range(1, environments + 1))
    return Seed(
        (
            SeedSpace(
                space,
                default=True,
                environments=names,
                projects=tuple(
                    SeedProject(
                        f"project-{number}",
                        releases=versions,
                        deployed=tuple((name, runs) for name in names[:deployments]),
                    )
                    for number in range(1, projects + 1)
                ),
            ),
        ),
        slots=slots,
    )
