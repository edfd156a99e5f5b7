"""What every reason, gate and condition means, and what to do: for legends and docs/reasons.md."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.condition import ConditionType
from reconciler.core.gate import GateName
from reconciler.core.plan import Reason


@dataclass(frozen=True, slots=True)
class Meaning:
    """One word explained: what it says, and what a person does about it."""

    says: str
    to_do: str


REASONS = {
    Reason.NEW_PIN: Meaning(
        "a commit asks for this version",
        "Nothing; the next pass that may apply carries it out.",
    ),
    Reason.NOT_DEPLOYED: Meaning(
        "pinned, and never deployed here",
        "Nothing; the next pass that may apply deploys it.",
    ),
    Reason.DRIFT: Meaning(
        "Octopus deployed something else by itself, and the policy heals that",
        "Nothing; the next pass deploys the pinned version again. A commit that pins what runs "
        "(`reconciler adopt ENV` proposes it) ends that.",
    ),
    Reason.REDEPLOY: Meaning(
        "a commit raised the redeploy counter",
        "Nothing; the same version is deployed once more.",
    ),
    Reason.UNSETTLED: Meaning(
        "the last attempt did not succeed",
        "See why in the log of its task. Then mend the cause and use `reconciler retry`, raise "
        "`redeploy`, or pin another version.",
    ),
    Reason.CONFIG_CHANGED: Meaning(
        "the pin asks for fresh variables, and they changed since this was deployed",
        "Nothing; the release's variable snapshot is refreshed, for all environments, and the same "
        "version is deployed once more. A commit that takes `refreshVariables` away ends that.",
    ),
    Reason.NEW_MACHINE: Meaning(
        "a machine appeared or returned, and lacks what belongs on it",
        "Nothing; the next pass that may apply deploys what runs here to it, and to no other. "
        "Disable the machine in Octopus, or take `deployOnArrival` out of the policy, if it shall "
        "not get it.",
    ),
    Reason.IN_SYNC: Meaning(
        "the pinned version runs",
        "Nothing.",
    ),
    Reason.UNMANAGED: Meaning(
        "it runs here and is pinned nowhere",
        "Pin it, or leave it: it is reported and never touched.",
    ),
    Reason.HELD: Meaning(
        "the pin says `hold`",
        "`reconciler hold ENV COMPONENT --lift` proposes the commit that takes `hold` away; or "
        "wait for its `until`.",
    ),
    Reason.HELD_BY_HAND: Meaning(
        "a person deployed something else, and it is left alone",
        "`reconciler adopt ENV` proposes the commit that pins what runs. Or commit another "
        "version; raising `redeploy` brings the pinned one back.",
    ),
    Reason.DRIFT_LEFT: Meaning(
        "something else runs, and no commit asks to correct that",
        "With `mode: heal` the note says why it is not healed. `reconciler adopt ENV` proposes the "
        "commit that pins what runs. Or commit another version; raising `redeploy` brings the "
        "pinned one back.",
    ),
    Reason.SUSPENDED: Meaning(
        "the environment says `suspend`",
        "`reconciler resume ENV` proposes the commit that takes `suspend` away; or wait for its "
        "`until`.",
    ),
    Reason.UNOBSERVED: Meaning(
        "it, or something it depends on, could not be read",
        "See the note. Could not be read is never taken for not deployed: give the observing "
        "credential its permissions, mend the name of the project, or wait for Octopus.",
    ),
    Reason.UNKNOWN_DIRECTION: Meaning(
        "up-only, and the two versions cannot be ordered",
        "Pin a version that can be compared with the one that runs.",
    ),
    Reason.UP_ONLY: Meaning(
        "up-only, and the pin is lower than what runs",
        "Pin the version that runs or a higher one; the component's `direction: up-only` is set "
        "in its Stack.",
    ),
    Reason.NOT_CONNECTED: Meaning(
        "the tenant is meant, and Octopus cannot deploy this project to it here",
        "Connect the tenant to the project and environment in Octopus, or enable it there; then "
        "it is a new tenant. Nothing else waits for it.",
    ),
    Reason.NEW_TENANT: Meaning(
        "the tenant came to be meant by a tag or a connection, and no commit asked for it",
        "`reconciler accept ENV` lets it in after a look at the plan, and so does any commit that "
        "changes the environment. Or take away the tag or the connection.",
    ),
    Reason.RING_CONFLICT: Meaning(
        "two rings pin the component unlike for the tenant, or a ring pins what serves no tenant",
        "The note names both rings. Take the pin, or the tenant, out of one of them; a ring that "
        "names the tenant goes before rings that mean it by tags.",
    ),
    Reason.REMOTE: Meaning(
        "of a RemoteEnvironment: it is deployed where its space is, never from here",
        "Nothing here. To change what is expected there, edit the manifest; to deploy it, do so "
        "where its space is.",
    ),
}

GATES = {
    GateName.OBSERVE_ONLY: Meaning(
        "the policy of the last accepted commit only observes",
        "Set `mode: apply` in the policy with a commit, then `reconciler accept ENV`.",
    ),
    GateName.PAUSED: Meaning(
        "a person paused it on this machine: nothing new is started, what runs is watched on",
        "See who and why in the message; `reconciler unpause ...` as it says lifts the pause.",
    ),
    GateName.ACCEPT: Meaning(
        "a person must accept first: first contact, a rewritten branch, a lost store or another "
        "server",
        "Look at the plan, then `reconciler accept ENV`; for a rewritten branch, the full hash of "
        "its tip.",
    ),
    GateName.BRAKE: Meaning(
        "more changes or downgrades than the policy allows at once",
        "`reconciler approve ENV --plan DIGEST` after a look at the plan; in a protected "
        "environment neither the author nor the merger. Or ask for less with a commit, or raise "
        "`limits` in an earlier commit that is accepted first.",
    ),
    GateName.NEEDS_RETRY: Meaning(
        "this version was tried here before and did not succeed, Octopus refused it, or a "
        "runbook around it failed",
        "Find out why, then `reconciler retry ENV [COMPONENT]`, or raise `redeploy` with a commit. "
        "A stack's rule `retry` opens it for failures, a few times. What Octopus refused, the "
        "daemon asks for four times in all, less and less often; until then `reconciler apply ENV` "
        "tries at once.",
    ),
    GateName.IN_FLIGHT: Meaning(
        "another task for the same project and environment is not finished",
        "Wait for the task that the message names, or cancel it in Octopus. A pass that carries "
        "out other changes waits for it, too, up to ten minutes after the rest is done.",
    ),
    GateName.SCHEDULED_ELSEWHERE: Meaning(
        "somebody scheduled a deployment of it for later",
        "Let it run, or cancel it in Octopus; it is never cancelled from here.",
    ),
    GateName.WAITING_FOR_PERSON: Meaning(
        "a running task waits for an answer",
        "A person answers it, as themselves: `reconciler interruptions list`, then `take` and "
        "`submit`, or in Octopus. It is a manual intervention or a guided failure, and nothing "
        "answers one by itself.",
    ),
    GateName.PERMISSION: Meaning(
        "the deploying credential may not deploy this here, or may do too much",
        "Give it DeploymentCreate for project and environment, without AdministerSystem.",
    ),
    GateName.LIFECYCLE: Meaning(
        "the lifecycle does not let the release go here now",
        "Let it succeed in the phases before; Octopus' lifecycles are never bypassed.",
    ),
    GateName.RELEASE_MISSING: Meaning(
        "the project has no release of this version",
        "Create the release in Octopus, or pin one that exists.",
    ),
    GateName.RELEASE_REPLACED: Meaning(
        "the release is not the one that the platform version has, or that this version was here: "
        "made anew, or with other packages or snapshots",
        "Find out who changed it; test what there is now, and sign that off as a new platform "
        "version (`snapshot --as-platform-version`).",
    ),
    GateName.DEPENDENCY: Meaning(
        "what it depends on is stopped, or moves the other way",
        "Open the gate that the message names; for mixed directions use two commits, one after "
        "the other.",
    ),
    GateName.PRECONDITION: Meaning(
        "it uses a component of another stack, which does not run here in a version of the range",
        "Deploy that component first, in its own environment manifest; this one goes on by itself.",
    ),
    GateName.MISSING_VALUES: Meaning(
        "Octopus prompts for a variable whose value no manifest gives, or gives as it must not",
        "Give it under `variables` of the stack's component, or make it a template of the stack "
        "and give it under `variables` of the environment; of a secret only where it is found.",
    ),
    GateName.RUNBOOK: Meaning(
        "a runbook that the stack runs around it is not there, not published, or not for here",
        "Make or publish the runbook in Octopus, or take it out of the stack with a commit.",
    ),
    GateName.PROJECT_DISABLED: Meaning(
        "the project is disabled in Octopus",
        "Enable the project, or take its pin away.",
    ),
    GateName.ALSO_DEPLOYED: Meaning(
        "it would be healed, but somebody else deploys it too, or that could not be read",
        "Name the triggers, schedules, lifecycles or parent projects of the message under "
        "`alsoDeployedBy` of the environment, or disable them in Octopus. Where they could not be "
        "read, give the observing credential TriggerView, LifecycleView and ProcessView in the "
        "whole space.",
    ),
    GateName.INVALID: Meaning(
        "another environment pins a component of this one in the same Octopus environment",
        "One of the two names it by its id, the other by its name. Commit that each component is "
        "pinned by one of them.",
    ),
    GateName.UNSIGNED: Meaning(
        "signed commits are required, and one since the last accepted commit is not signed by an "
        "allowed key",
        "Make the commits again with a signature (`git rebase --exec 'git commit --amend --no-edit "
        "-S'` from the last accepted one on). Accepting does not open it.",
    ),
    GateName.WINDOW: Meaning(
        "outside of the windows of the policy, or it would not end inside",
        "Wait: the message says when there is room for it. What an emergency needs is allowed by a "
        "commit that changes `windows`, once it is accepted (`reconciler accept ENV`).",
    ),
    GateName.NEEDS_APPROVAL: Meaning(
        "the policy asks for more approvals of this plan than count now",
        "A person who may deploy all of it, and in a protected environment is neither author nor "
        "merger, looks at the plan: `reconciler approve ENV --plan DIGEST`. The observing "
        "credential needs UserView, so that approvers can be checked. Where the message names an "
        "e-mail that Octopus does not know: give it to its user there, or name a forge's under "
        "`approvals.forges` of the policy.",
    ),
    GateName.START: Meaning(
        "the policy says `start: manual`: a person begins",
        "`reconciler approve ENV --plan DIGEST`, when it is time.",
    ),
    GateName.FREEZE: Meaning(
        "a deployment freeze of Octopus is in force here, or whether one is cannot be read",
        "Wait for its end, or end it in Octopus; freezes are never overridden from here.",
    ),
    GateName.MAINTENANCE: Meaning(
        "Octopus is in maintenance mode, or the task queue of the space is stopped",
        "Wait, or ask an administrator of Octopus.",
    ),
    GateName.CHANNEL: Meaning(
        "the release is of a channel that the stack does not deploy this component from",
        "Pin a release of one of the stack's `channels`, or name this channel there.",
    ),
    GateName.RELEASE_BLOCKED: Meaning(
        "somebody blocked the release with a defect in Octopus",
        "Resolve the defect in Octopus, or pin another version.",
    ),
    GateName.PACKAGE_MISSING: Meaning(
        "a package of the release is not in the built-in feed any more; other feeds are not asked",
        "Push the package again, or pin another version.",
    ),
    GateName.NO_MACHINES: Meaning(
        "no step of the deployment that needs a machine would find one",
        "Add or enable a machine with the role, or let the project deploy to no machines.",
    ),
    GateName.WAITING_FOR_CHANGE: Meaning(
        "Octopus asks for a change request, and the environment names none",
        "Name it with a commit: `change: CHG0042` in the environment; or under `variables`.",
    ),
}

CONDITIONS = {
    ConditionType.READY: Meaning(
        "what git asks for runs, or is left alone on purpose",
        "Nothing.",
    ),
    ConditionType.RECONCILING: Meaning(
        "a pass works on it, or the daemon tries again by itself",
        "Wait. `Unreachable`, `RateLimited` and `RemoteUnreachable` are tried again, less and less "
        "often; if one stays, look at the server that the message names. `RecordsPending`: see in "
        "the log why the remote refuses the audit branch.",
    ),
    ConditionType.STALLED: Meaning(
        "a person has to do something first",
        "Do what the message says; the next look takes it up. A gate: open it. `Invalid`: mend the "
        "manifests. `NotAllowed`: mend the credential. `CredentialRefused`: replace the content of "
        "its file, which is noticed by itself; after a change of a variable, or of permissions in "
        "Octopus, restart the daemon. `DeploymentFailed`: see why in the log of its task, then as "
        "for gate `needs-retry`. `Silent`: see whether its task still does something, and cancel "
        "it if not; nothing ends it by itself. `Unobserved`: see the note in "
        "`reconciler plan ENV`.",
    ),
    ConditionType.DRIFTED: Meaning(
        "something else runs than was last reached, and no commit asks for it",
        "Commit the pin that runs, or another version; raising `redeploy` brings the pinned one "
        "back.",
    ),
    ConditionType.HELD: Meaning(
        "pins are left alone because git (`HeldInGit`) or a person's deployment (`HeldByHand`) "
        "says so, or nobody has asked for the tenant yet (`NewTenant`)",
        "Take `hold` away with a commit, or commit the pin that shall run.",
    ),
    ConditionType.SUSPENDED: Meaning(
        "the whole environment is left alone because git says so",
        "Take `suspend` away with a commit, or wait for its `until`.",
    ),
    ConditionType.DEGRADED: Meaning(
        "machines of it are not well, or go without something; what git asks for may run all the "
        "same",
        "Mend the machines, or look at them by `reconciler machines list ENV`. A policy with "
        "`forget: delete` removes those that nothing reaches any more, and one with "
        "`deployOnArrival` serves those that return. `MachinesWithout`: raise `redeploy` of the "
        "components, or disable and enable the machine.",
    ),
    ConditionType.BLOCKED: Meaning(
        "work waits for what ends or opens without anybody's doing",
        "Wait: for a task, for another environment's success, for another writer. The daemon looks "
        "again by itself.",
    ),
}

CONDITION_REASONS = {
    "InSync": "everything that is not left alone on purpose runs as pinned",
    "WorkLeft": "the next pass carries out what is left",
    "PassRuns": "a pass works on it now",
    "RecordsPending": "receipts are kept on this machine: the git remote did not take them yet",
    "DeploymentFailed": "a deployment failed, was refused, or its end is unknown; or the pinned "
    "version did not succeed here before, or is not asked for again yet (gate `needs-retry`)",
    "Unobserved": "components could not be read, so nothing is done to them",
    "NotAskedFor": "a person, a trigger or a schedule deployed something else",
    "HeldInGit": "pins say `hold`",
    "HeldByHand": "a person deployed something else, and it is left alone",
    "NewTenant": "a tenant came to be meant without a commit",
    "RingConflict": "rings contradict each other",
    "SuspendedInGit": "the environment says `suspend`",
    "MachineOutage": "so many machines look dead at once that it is an outage: none is forgotten",
    "MachinesUnwell": "machines are lost, disabled, or fail their health check",
    "MachinesUnread": "the machines could not be read, or the list of removed ones, or nobody can "
    "tell which of them lack something",
    "MachinesWithout": "ready machines lack what belongs on them, and are left so",
    "Invalid": "the manifests of the environment are invalid",
    "Silent": "a deployment runs far longer than usual, and its log says nothing new",
    "NamedTwice": "another watched repository has an environment of this name",
    "UsageError": "a setting or a credential is missing, or asks for the impossible",
    "LeaseHeld": "another writer works on this environment",
    "GitTrouble": "git refused or failed",
    "RemoteUnreachable": "the git remote did not answer, or not in time",
    "Unreachable": "Octopus did not answer, not in time, or with an error of its own",
    "RateLimited": "Octopus said that it is asked too often",
    "BadAnswer": "an answer was not what Octopus promises",
    "NotAllowed": "Octopus refused an action to the credential",
    "CredentialRefused": "Octopus refused the credential, or its user may not look: no further "
    "request is sent with it until its content changes",
    "RemoteRejected": "Octopus understood and refused",
    "OutcomeUnknown": "a deployment was asked for, and whether it began is not known yet",
    "StoreTrouble": "the state directory cannot be written or read",
    "SigningTrouble": "a key, certificate or signature is not as it must be",
}
"""What a condition's reason says, beside gates."""
