"""Interruptions: a task waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.interrupting import answer_interruption
from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.permissions import refuse
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.tasks import asked_spaces
from reconciler.simulator.routes.users import user_resource
from reconciler.simulator.times import stamp

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Interruption

routes = Routes(Scope.MIXED)

RESULTS: tuple[str, ...] = ("Proceed", "Abort")
GUIDANCE: tuple[str, ...] = ("Fail", "Retry", "Ignore", "Exclude")

_SUBMITTERS = ("InterruptionViewSubmitResponsible", "InterruptionSubmit")
_VIEWERS = ("InterruptionView", *_SUBMITTERS)


def interruption_resource(call: Call, interruption: Interruption) -> dict[str, object]:
    """Return an interruption as JSON, its responsibility as the caller has it."""
    own = f"/api/{interruption.space_id}/interruptions/{interruption.id}"
    task = interruption.task
    responsible = interruption.responsible_user
    return {
        "Id": interruption.id,
        "SpaceId": interruption.space_id,
        "Title": interruption.title,
        "Type": "GuidedFailure" if interruption.is_guidance else "ManualIntervention",
        "Created": stamp(interruption.created),
        "IsPending": interruption.is_pending,
        "Form": _form(interruption),
        "RelatedDocumentIds": list(interruption.related),
        "TaskId": task.id,
        "CorrelationId": f"{task.id}_{interruption.id}",
        "ResponsibleTeamIds": list(interruption.responsible_teams),
        "ResponsibleUserId": responsible,
        "CanTakeResponsibility": interruption.is_pending and _may_answer(call, interruption),
        "HasResponsibility": responsible == call.user.id,
        "IsLinkedToOtherInterruption": False,
        "Links": {"Self": own, "Submit": f"{own}/submit", "Responsible": f"{own}/responsible"},
    }


def _form(interruption: Interruption) -> dict[str, object]:
    given = interruption.values
    notes: dict[str, object] = {
        "Name": "Notes",
        "Control": {"Type": "TextArea", "Label": "Notes"},
        "IsValueRequired": False,
    }
    if interruption.is_guidance:
        elements = [notes, _buttons("Guidance", GUIDANCE)]
        values = {"Notes": given.get("Notes"), "Guidance": given.get("Guidance")}
    else:
        text: dict[str, object] = {
            "Name": "Instructions",
            "Control": {
                "Type": "Paragraph",
                "Text": interruption.instructions,
                "ResolveLinks": True,
            },
            "IsValueRequired": False,
        }
        elements = [text, notes, _buttons("Result", RESULTS)]
        names = ("Instructions", "Notes", "Result")
        values = {name: given.get(name) for name in names}
    return {"Values": values, "Elements": elements}


def _buttons(name: str, words: tuple[str, ...]) -> dict[str, object]:
    return {
        "Name": name,
        "Control": {
            "Type": "SubmitButtonGroup",
            "Buttons": [
                {"Text": word, "Value": word, "RequiresConfirmation": word in ("Abort", "Fail")}
                for word in words
            ],
        },
        "IsValueRequired": True,
    }


def _holds(call: Call, interruption: Interruption, permissions: tuple[str, ...]) -> bool:
    space = call.world.spaces[interruption.space_id]
    cell = interruption.task.cell
    if cell is None:
        return call.user.is_administrator
    project = space.projects[cell[0]]
    return any(call.access(name, space).allows(project, cell[1], cell[2]) for name in permissions)


def _may_answer(call: Call, interruption: Interruption) -> bool:
    if not _holds(call, interruption, _SUBMITTERS):
        return False
    teams = interruption.responsible_teams
    if not teams or call.user.is_administrator:
        return True
    found = call.world.teams
    return any(call.user.id in found[team].members for team in teams if team in found)


@routes.get("interruptions")
def list_interruptions(call: Call) -> object:
    """GET /interruptions: newest first; `regarding` is any related id."""
    regarding = call.query.many("regarding")
    pending = call.query.flag("pendingOnly") is True
    found = [
        each
        for space in asked_spaces(call)
        for each in by_ids(call, space.interruptions.values())
        if (not pending or each.is_pending)
        and (regarding is None or regarding <= {*each.related, each.id})
        and _holds(call, each, _VIEWERS)
    ]
    found.sort(key=lambda each: each.created, reverse=True)
    return page(
        call,
        "Interruption",
        call.shown(found, "created"),
        lambda each: interruption_resource(call, each),
        "{/id}{?skip,take,regarding,pendingOnly,ids}",
    )


def _interruption_in(call: Call) -> Interruption:
    wanted = call.param("interruption")
    spaces = [call.scoped_space] if call.scoped_space else call.spaces()
    for space in spaces:
        found = space.interruptions.get(wanted)
        if found is not None:
            if not _holds(call, found, _VIEWERS):
                raise refuse("InterruptionView", found.id)
            return found
    raise missing("Interruption")


@routes.get("interruptions/{interruption}")
def one_interruption(call: Call) -> object:
    """GET /interruptions/{id}."""
    return interruption_resource(call, _interruption_in(call))


@routes.get("interruptions/{interruption}/responsible")
def responsible(call: Call) -> object:
    """GET /interruptions/{id}/responsible: 404 while nobody is."""
    user_id = _interruption_in(call).responsible_user
    if user_id is None:
        raise Refused(404, "No user has taken responsibility for this interruption.")
    responsible = call.world.users.get(user_id)
    if responsible is None:
        raise missing("User")
    return user_resource(responsible, call.user)


@routes.put("interruptions/{interruption}/responsible")
def take_responsibility(call: Call) -> object:
    """PUT /interruptions/{id}/responsible: another's responsibility can be taken over."""
    found = _interruption_in(call)
    if not found.is_pending:
        raise Refused(
            400, "This interruption has already been submitted, possibly by another user."
        )
    if not _may_answer(call, found):
        raise Refused(405, "You are not in a team that is responsible for this interruption.")
    found.responsible_user = call.user.id
    return user_resource(call.user, call.user)


@routes.post("interruptions/{interruption}/submit")
def submit(call: Call) -> object:
    """POST /interruptions/{id}/submit: a flat dictionary of form values."""
    found = _interruption_in(call)
    body = call.body()
    if not found.is_pending:
        raise Refused(400, "The interruption has already been submitted.")
    if found.responsible_user is None:
        raise Refused(
            400,
            "You must take responsibility for this interruption before attempting to submit it.",
        )
    if found.responsible_user != call.user.id:
        raise Refused(
            400,
            "Someone else has taken responsibility for this interruption, and only they are "
            "allowed to submit it.",
        )
    name = "Guidance" if found.is_guidance else "Result"
    words = GUIDANCE if found.is_guidance else RESULTS
    chosen = body.text(name)
    if chosen not in words:
        raise Refused(
            400, "There were errors with the form.", (f"{name} must be one of {', '.join(words)}.",)
        )
    found.values = {
        "Instructions": None if found.is_guidance else found.instructions,
        "Notes": body.text("Notes"),
        name: chosen,
    }
    answer_interruption(call.world, found, call.user)
    return interruption_resource(call, found)
