"""What lies between two commits: environments, and the rules they are changed under."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from core_builders import APPLY, PLACE, desired, pin

from reconciler.core.changeset import (
    Alteration,
    FieldChange,
    compare,
    judged_by,
    phases_before,
    space_of,
)
from reconciler.core.manifest import Invalid, ManifestSet, Place, Problem
from reconciler.core.phase import Phase
from reconciler.core.platform import PlatformVersion
from reconciler.core.policy import STRICTEST, Limits, Mode
from reconciler.core.tenant import Ring, Selection
from reconciler.core.window import Entry, Windows

ELSEWHERE = Place("moved.yaml", 80, 7)
BEFORE = desired({"api": "1.0", "db": "2.0"})


def named(name: str, versions: dict[str, str] | None = None) -> ManifestSet:
    one = desired(versions or {"api": "1.0"})
    return ManifestSet({name: replace(one, environment=replace(one.environment, name=name))})


def both(before: ManifestSet, after: ManifestSet) -> ManifestSet:
    return ManifestSet({**before.environments, **after.environments})


def test_a_pin_touches_its_environment_and_no_other() -> None:
    base = both(named("qa"), named("live"))
    head = both(named("qa", {"api": "1.1"}), named("live"))

    found = compare(base, head)

    assert [one.environment.name for one in found.touched] == ["qa"]
    assert (found.untouched, found.added, found.removed) == (("live",), frozenset(), ())
    assert found.alterations == ()


def test_where_something_is_written_is_no_difference() -> None:
    moved = replace(
        BEFORE,
        environment=replace(
            BEFORE.environment,
            place=ELSEWHERE,
            pins={n: replace(p, place=ELSEWHERE) for n, p in BEFORE.environment.pins.items()},
        ),
        stack=replace(BEFORE.stack, place=ELSEWHERE),
    )
    name = BEFORE.environment.name

    assert compare(ManifestSet({name: BEFORE}), ManifestSet({name: moved})).untouched == (name,)


def test_what_comes_and_goes_is_told_and_what_is_broken_is_not_planned() -> None:
    problem = Problem(ELSEWHERE, "no")
    head = ManifestSet({**named("new").environments, "bad": Invalid("bad", (problem,))}, (problem,))

    found = compare(both(named("old"), named("bad")), head)

    assert (found.added, found.removed, found.broken) == ({"new"}, ("old",), ("bad",))
    assert [one.environment.name for one in found.touched] == ["new"]
    assert found.problems == (problem,)


def test_rule_36_an_altered_policy_is_told_field_by_field_with_all_it_applies_to() -> None:
    loose = replace(APPLY, mode=Mode.HEAL, limits=Limits(downgrades=99))
    base, head = dict(both(named("a"), named("b")).environments), {}
    for name, one in base.items():
        assert not isinstance(one, Invalid)
        head[name] = replace(one, policy=loose)

    (altered,) = compare(ManifestSet(base), ManifestSet(head)).alterations

    assert (altered.kind, altered.name, altered.environments) == (
        *("policy", APPLY.name),
        ("a", "b"),
    )
    assert altered.fields == (
        FieldChange("limits.downgrades", "not set", "99"),
        FieldChange("mode", "apply", "heal"),
    )


def test_rule_36_windows_that_come_are_told_as_a_manifest_would_say_them() -> None:
    nights = Entry(days=frozenset({0, 4}), begins=1320, ends=90)
    london = Windows("Europe/London", ZoneInfo("Europe/London"), allow=(nights,))
    name, after = BEFORE.environment.name, replace(BEFORE, policy=replace(APPLY, windows=london))

    (altered,) = compare(ManifestSet({name: BEFORE}), ManifestSet({name: after})).alterations

    assert {each.field: (each.before, each.after) for each in altered.fields} == {
        "windows.allow": (
            "not set",
            "[{days: [mon, fri], dates: [], begins: 22:00, ends: 01:30}]",
        ),
        "windows.deny": ("not set", "[]"),
        "windows.zoneName": ("not set", "Europe/London"),
    }


def test_another_platform_version_is_told_by_its_name_alone() -> None:
    name = BEFORE.environment.name
    platform = PlatformVersion("2026.2", "gaming", {}, PLACE)
    after = replace(BEFORE, environment=replace(BEFORE.environment, platform=platform))

    (altered,) = compare(ManifestSet({name: BEFORE}), ManifestSet({name: after})).alterations

    assert (altered.kind, altered.name) == ("environment", name)
    assert altered.fields == (FieldChange("platformVersion", "not set", "2026.2"),)


def test_a_ring_is_told_by_whom_it_is_for() -> None:
    name = BEFORE.environment.name
    ring = Ring("pilot", Selection(tags=("Ring/Pilot",)), {"api": pin("1.1")}, PLACE)
    after = replace(BEFORE, environment=replace(BEFORE.environment, rings=(ring,)))

    (altered,) = compare(ManifestSet({name: BEFORE}), ManifestSet({name: after})).alterations

    told = {each.field: each.after for each in altered.fields}
    assert told["rings.pilot.whom.tags"] == "[Ring/Pilot]"
    assert not [field for field in told if "pins" in field]


def test_rule_11_a_policy_that_the_base_cannot_tell_is_the_strictest() -> None:
    name = BEFORE.environment.name
    base = ManifestSet({name: Invalid(name, ()), **named("qa").environments})

    assert judged_by(base, BEFORE) == STRICTEST


def test_rule_36_policy_and_space_are_those_of_the_base() -> None:
    name = BEFORE.environment.name
    base = ManifestSet({name: BEFORE})
    evil = replace(
        BEFORE,
        policy=replace(APPLY, mode=Mode.HEAL),
        space=replace(BEFORE.space, server="https://evil.example"),
    )
    new = replace(evil, environment=replace(evil.environment, name="new"))
    stranger = replace(
        new,
        space=replace(evil.space, name="theirs"),
        environment=replace(new.environment, policy="theirs"),
    )

    for one in (evil, new):
        assert judged_by(base, one) == BEFORE.policy
        assert space_of(base, one) == BEFORE.space
    assert judged_by(base, stranger) == STRICTEST
    assert space_of(base, stranger) is None
    assert judged_by(ManifestSet({name: Invalid(name, ())}), evil) == STRICTEST
    altered = {each.kind: each for each in compare(base, ManifestSet({name: evil})).alterations}
    assert altered["space"].fields[0].after == "https://evil.example"


def test_another_pin_form_of_the_same_version_is_no_difference_but_a_hold_is() -> None:
    name = BEFORE.environment.name
    again = desired({"api": pin("1.0"), "db": pin("2.0", redeploy=1)})

    assert compare(ManifestSet({name: BEFORE}), ManifestSet({name: again})).touched == (again,)


def test_rule_36_a_phase_that_a_change_drops_is_told_and_counts_for_it() -> None:
    name = BEFORE.environment.name
    quality = Phase("wide", "Quality", (("qa", "qa-2"), ("test",)), 2)
    before = replace(BEFORE, earlier_phases=(quality,))
    base, head = ManifestSet({name: before}), ManifestSet({name: BEFORE})

    assert phases_before(base, BEFORE) == (quality,)
    assert phases_before(head, before) == (quality,)
    words = FieldChange("phases", "Quality: 2 of qa or qa-2, test", "not set")
    assert compare(base, head).alterations == (Alteration("lifecycle", "wide", (words,), (name,)),)


def test_a_renamed_environment_is_the_one_it_was_judged_by_its_own_policy() -> None:
    strict = replace(APPLY, name="strict")
    before = named("test", {"api": "1.0.0"})
    (state,) = (one for one in before.environments.values() if not isinstance(one, Invalid))
    before = ManifestSet({"test": replace(state, policy=strict)})
    environment = replace(state.environment, name="qa", formerly="test")
    now = replace(state, environment=environment)

    found = compare(before, ManifestSet({"qa": now}))

    assert (found.touched, found.added, found.removed) == ((now,), frozenset(), ())
    assert judged_by(before, now) == strict
