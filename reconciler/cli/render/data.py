"""A plan as data: the same plan gives the same bytes (rule 2)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.cli.render.others import other_data
from reconciler.cli.render.rolls import roll_data
from reconciler.cli.render.unwell import machine_data
from reconciler.core.cellkey import component_of, tenant_of
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from reconciler.cli.render.plan import Page
    from reconciler.core.cellkey import CellKey
    from reconciler.core.estimate import Estimate
    from reconciler.core.gate import Gate
    from reconciler.core.plan import Action, Plan

Data = str | int | bool | None | list["Data"] | dict[str, "Data"]


def plan_data(page: Page) -> dict[str, Data]:
    """Return the plan as `schema/plan.schema.json` says. The only time in it is that of reading."""
    plan = page.plan
    machines = {} if page.tending is None else {"machines": machine_data(page.tending)}
    return {
        "apiVersion": "reconciler/v1",
        "kind": "Plan",
        "metadata": {"name": clean(plan.environment)},
        "spec": {
            **machines,
            "commit": plan.commit,
            "readAt": moment(plan.read_at),
            "digest": f"sha256:{plan.digest}",
            "hasWork": plan.has_work,
            "inSync": page.in_sync,
            "changes": [_change(action) for action in plan.changes],
            "ignored": [_ignored(action) for action in page.ignored],
            "gates": [gate_data(gate) for gate in sorted(page.gates)],
            "alsoDeployedBy": other_data(page.others),
            "estimate": None if page.estimate is None else _estimate(page.estimate),
            "platformVersion": _platform(plan) if plan.platform else None,
            **({} if page.roll is None else {"arrivals": roll_data(page.roll)}),
        },
    }


def moment(time: datetime) -> str:
    """Return a time as all data has it: `YYYY-MM-DDTHH:MM:SSZ`."""
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def _platform(plan: Plan) -> Data:
    return {
        "broken": [
            {
                "component": clean(one.component),
                "expected": clean(one.expected),
                "pinned": clean(one.version),
            }
            for one in plan.broken
        ],
        "name": clean(plan.platform),
    }


def _estimate(estimate: Estimate) -> Data:
    duration = estimate.duration
    return {
        "apiCalls": estimate.calls,
        "seconds": None if duration is None else round(duration.total_seconds()),
        "tasks": estimate.tasks,
        "unknownTasks": estimate.unknown,
    }


def _change(action: Action) -> Data:
    return {
        **_ignored(action),
        "action": action.kind.value,
        "redeploy": action.redeploy,
        "refreshVariables": action.refresh,
        "unknownDirection": action.unknown_direction,
        "waitsFor": [clean(name) for name in action.waits_for],
        "wave": action.wave,
        **({"machines": [clean(one) for one in action.machines]} if action.machines else {}),
    }


def _ignored(action: Action) -> dict[str, Data]:
    return {
        **cell_data(action.cell),
        "from": None if action.from_version is None else clean(action.from_version),
        "note": clean(action.note, 300),
        "reason": action.reason.value,
        "to": None if action.to_version is None else clean(action.to_version),
    }


def cell_data(cell: CellKey) -> dict[str, Data]:
    """Return a cell as data; there is a tenant only where the cell has one."""
    data: dict[str, Data] = {"component": clean(component_of(cell)) or None}
    if tenant := clean(tenant_of(cell)):
        data["tenant"] = tenant
    return data


def gate_data(gate: Gate) -> Data:
    """Return a closed gate as data."""
    return {
        **cell_data(gate.cell),
        "gate": gate.name.value,
        "message": clean(gate.message, 400),
        "opener": clean(gate.opener, 400),
    }


def as_json(data: Data) -> str:
    """Return JSON with sorted keys, in ASCII, with a final newline."""
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def as_yaml(data: Data) -> str:
    """Return the same as YAML, keys sorted, every text quoted: no reader takes `1.10` for 1.1."""
    if isinstance(data, dict) and data:
        lines = _mapping(data, "")
    else:
        lines = _sequence(data, "") if isinstance(data, list) and data else [_scalar(data)]
    return "".join(f"{line}\n" for line in lines)


def _mapping(data: Mapping[str, Data], indent: str) -> list[str]:
    lines = []
    for key in sorted(data):
        value = data[key]
        if isinstance(value, dict) and value:
            lines += [f"{indent}{key}:", *_mapping(value, f"{indent}  ")]
        elif isinstance(value, list) and value:
            lines += [f"{indent}{key}:", *_sequence(value, f"{indent}  ")]
        else:
            lines.append(f"{indent}{key}: {_scalar(value)}")
    return lines


def _sequence(data: Sequence[Data], indent: str) -> list[str]:
    lines = []
    for value in data:
        if isinstance(value, dict) and value:
            first, *rest = _mapping(value, f"{indent}  ")
            lines += [f"{indent}- {first.strip()}", *rest]
        else:
            lines.append(f"{indent}- {_scalar(value)}")
    return lines


def _scalar(value: Data) -> str:
    return json.dumps(value, ensure_ascii=False)  # the texts are clean, so JSON's words are YAML's
