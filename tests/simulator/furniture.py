"""One of each thing that seeds have none of, so that every route has something to show."""

from reconciler.simulator import Simulator

__all__ = ["PLACES", "furnish"]

PLACES = {
    "certificate": "certificate-global",
    "freeze": "DeploymentFreezes-1",
    "build": "BuildInformation-1",
    "library": "LibraryVariableSets-1",
    "machine": "Machines-1",
    "name": "Acme.WebShop",
    "package": "packages-Acme.WebShop.1.2.0",
    "policy": "MachinePolicies-1",
    "pool": "WorkerPools-1",
    "ratePolicy": "RateLimitingPolicies-1",
    "run": "RunbookRuns-1",
    "runbook": "Runbooks-1",
    "runbookProcess": "RunbookProcess-Runbooks-1",
    "snapshot": "RunbookSnapshots-1",
    "section": "authentication",
    "tagset": "TagSets-1",
    "tenant": "Tenants-1",
    "trigger": "ProjectTriggers-1",
    "worker": "Workers-1",
}
"""What `furnish` makes, by the parameters of paths."""


def furnish(simulator: Simulator) -> None:
    """Put one of each thing into the small server."""
    simulator.add_machine("web-1", environments=["Dev"], roles=["web"])
    simulator.add_worker("worker-1")
    simulator.freeze("Summer", "Newsletter", "Production")
    simulator.add_tag_set("Ring", ["Pilot", "Rest"])
    simulator.add_tenant("Acme", connected={"Web Shop": ["Dev"]}, tags=["Ring/Pilot"])
    simulator.add_runbook("Web Shop", "Backup")
    simulator.run_runbook("Web Shop", "Backup", "Dev")
    simulator.add_trigger(
        "Web Shop",
        "New targets",
        filter={"FilterType": "MachineFilter"},
        action={"ActionType": "AutoDeploy"},
    )
