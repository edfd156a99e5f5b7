"""Variable templates of a stack, and the values that stack and environments give.

What is wrong with the parts of one file is said by `template_troubles`; what an environment gives
is held against its stack by `read_values`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.core.manifest import CredentialSource, Problem
from reconciler.core.variables import Given, Template, ValueType, looks_secret, values_for
from reconciler.manifests.wording import Words, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.stack import Stack
    from reconciler.core.variables import Value
    from reconciler.manifests.kinds.environment import EnvironmentDocument
    from reconciler.manifests.tree import Branch, Mark

_AS_TEMPLATE = "looks like a secret: make it a template of type secret"


def template_of(name: str, fields: Mapping[str, Any]) -> Template:
    """Return a template that fits its schema."""
    return Template(
        name=name,
        type=ValueType(fields.get("type", ValueType.TEXT)),
        label=fields.get("label", ""),
        help=fields.get("help", ""),
        default=fields.get("default"),
        required=fields.get("required", False),
        choices=tuple(fields.get("choices", ())),
        components=tuple(sorted(fields.get("components", ()))),
    )


def template_troubles(spec: Branch) -> Iterator[tuple[Mark, str]]:
    """Yield what is wrong with the templates and values of a stack, with its marks.

    Looks only at the parts that have the right shape, so that a diagnosis can call it too.
    """
    components = _mapping(spec, "components")
    known = () if components is None else components.value
    words = Words()
    covered: dict[str, list[Template]] = {}
    templates = _mapping(spec, "templates")
    for name, fields in () if templates is None else templates.value.items():
        branch = templates.below(name) if templates is not None else None
        if branch is None or not _is_template(fields):
            continue
        template = template_of(name, fields)
        covered.setdefault(name.casefold(), []).append(template)
        yield from _of_one(template, branch)
        among = branch.below("components")
        for index, each in enumerate(fields.get("components", ())):
            if among is not None and each not in known:
                meant = words.did_you_mean(each, known)
                yield among.value_mark(index), f"unknown component '{shown(each)}'{meant}"
        if len(covered[name.casefold()]) > 1:
            said = f"'{shown(name)}' is the same variable as another template: Octopus ignores case"
            yield branch.mark, said
    for component in known:
        branch = components.below(component) if components is not None else None
        fixed = _mapping(branch, "variables")
        for name in () if fixed is None else fixed.value:
            mark = fixed.key_mark(name) if fixed is not None else spec.mark
            if looks_secret(name):
                yield mark, f"'{shown(name)}' {_AS_TEMPLATE}"
            if any(each.covers(component) for each in covered.get(name.casefold(), ())):
                yield mark, f"'{shown(name)}' is a template too: give it in one place"


def _of_one(template: Template, branch: Branch) -> Iterator[tuple[Mark, str]]:
    is_choice = template.type is ValueType.CHOICE
    if is_choice != bool(template.choices):
        yield branch.mark, "'choices' belong to type choice, and it needs them"
    if template.type is not ValueType.SECRET and looks_secret(template.name):
        yield branch.mark, f"'{shown(template.name)}' looks like a secret: write type: secret"
    if template.default is None:
        return
    try:
        template.read(template.default)
    except ValueError as error:
        yield branch.value_mark("default"), f"the default {shown(str(error), 400)}"


def _mapping(branch: Branch | None, key: str) -> Branch | None:
    below = branch.below(key) if branch is not None else None
    return below if below is not None and isinstance(below.value, dict) else None


def _is_template(fields: Any) -> bool:
    """Tell whether a template has the shapes that its checks rest on."""
    if not isinstance(fields, dict) or fields.get("type", "text") not in list(ValueType):
        return False
    lists = (fields.get("choices", []), fields.get("components", []))
    return isinstance(fields.get("default", ""), str) and all(
        isinstance(each, list) and all(isinstance(item, str) for item in each) for each in lists
    )


def read_values(
    document: EnvironmentDocument, stack: Stack, words: Words
) -> tuple[Mapping[str, tuple[tuple[str, Value], ...]], list[Problem]]:
    """Return the values of each component, and what is wrong with what the environment gives."""
    templates = {template.name: template for template in stack.templates}
    problems = []
    given: dict[str, Given] = {}
    for name, value in document.variables.items():
        template = templates.get(name)
        if template is None:
            meant = words.did_you_mean(name, templates)
            said = f"'{shown(name)}' is not a template of stack '{stack.name}'{meant}"
            problems.append(Problem(value.place, said))
            continue
        try:
            given[name] = Given(template.read(value.value), value.place)
        except ValueError as error:
            problems.append(Problem(value.place, f"'{shown(name)}' {shown(str(error), 400)}"))
    for name, template in templates.items():
        if template.required and template.default is None and name not in document.variables:
            label = f" ({shown(template.label)})" if template.label else ""
            said = f"'{shown(name)}'{label} is required by stack '{stack.name}': give it a value"
            problems.append(Problem(document.place, f"{said} under `variables`"))
    values: dict[str, tuple[tuple[str, Value], ...]] = {}
    if not templates and not any(each.variables for each in stack.components.values()):
        return values, problems
    for name, component in stack.components.items():
        if found := values_for(name, component.variables, stack.templates, given):
            values[name] = found
    return values, problems


def given_of(value: Any) -> Value:
    """Return a value as an Environment manifest writes it: a text, or where a secret is found."""
    if isinstance(value, str):
        return value
    return CredentialSource(env=value.get("env"), file=value.get("file"))
