"""Edits that people ask for: what is not named keeps every byte."""

import difflib
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.core.edit import Edit, Hold, NewPin, Rebase, Repin, Suspend, Unpin
from reconciler.core.manifest import Until
from reconciler.errors import EditRefused
from reconciler.manifests.edit import ManifestSplicer
from reconciler.manifests.kinds.environment import EnvironmentDocument
from reconciler.manifests.kinds.pins import PinsDocument
from reconciler.manifests.parse import parse_file
from reconciler.manifests.wording import Words

UNTIL = datetime(2026, 12, 1, tzinfo=UTC)
HEAD = "apiVersion: reconciler/v1\nkind: Environment\nmetadata: {name: test}\nspec:\n"
REST = "  octopus: {space: shop, environment: Test}\n  stack: platform  # the one\n"


def environment(pins: str, rest: str = REST) -> str:
    return f"{HEAD}{rest}  components:\n{pins}"


def edit(text: str, *edits: Edit) -> str:
    # `newline` is never translated: the editor sees bytes
    return ManifestSplicer().edit("e.yaml", text.encode(), edits).decode()


def read(text: str) -> EnvironmentDocument | PinsDocument:
    document = parse_file("e.yaml", text.encode(), Words()).document
    assert isinstance(document, EnvironmentDocument | PinsDocument)
    return document


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that went and the lines that came, line ends included."""
    delta = list(difflib.ndiff(before.splitlines(True), after.splitlines(True)))
    return [d[2:] for d in delta if d[0] == "-"], [d[2:] for d in delta if d[0] == "+"]


# --- one by one -------------------------------------------------------------------------------

REPINS = [
    ('    api: "1.0.0"  # why\n', '    api: "2.0.0"  # why\n'),
    ("    api:   '1.0.0'\n", "    api:   '2.0.0'\n"),
    ("    api: 1.0.0\n", "    api: 2.0.0\n"),
    ('    api: {redeploy: 3, version: "1.0.0"}\n', '    api: {redeploy: 3, version: "2.0.0"}\n'),
    (
        '    api:\n      # a reason\n      version: "1.0.0" # x\n      redeploy: 2\n',
        '    api:\n      # a reason\n      version: "2.0.0" # x\n      redeploy: 2\n',
    ),
    ('    api:\n       "1.0.0"\n', '    api:\n       "2.0.0"\n'),
]


@pytest.mark.parametrize(("before", "after"), REPINS)
def test_a_version_is_replaced_where_it_stands(before: str, after: str) -> None:
    assert edit(environment(before), Repin("api", "2.0.0")) == environment(after)


BACK = Until("CHG-7", UNTIL, at="0.9.0")
HELD_BACK = '{reason: "CHG-7", until: "2026-12-01T00:00:00Z", at: "0.9.0"}'
TAKEN_BACK = [
    ('    api: "1.0.0"  # x\n', f'    api: {{version: "0.9.0", hold: {HELD_BACK}}}  # x\n'),
    (
        '    api: {version: "1.0.0", redeploy: 2}\n',
        f'    api: {{version: "0.9.0", redeploy: 2, hold: {HELD_BACK}}}\n',
    ),
    (
        '    api: {version: "1.0.0", hold: {reason: old}}\n',
        f'    api: {{version: "0.9.0", hold: {HELD_BACK}}}\n',
    ),
    (
        "    api:\n      version: '1.0.0'\n      redeploy: 2\n",
        f"    api:\n      version: '0.9.0'\n      hold: {HELD_BACK}\n      redeploy: 2\n",
    ),
]


@pytest.mark.parametrize(("before", "after"), TAKEN_BACK)
def test_an_earlier_version_comes_with_its_hold(before: str, after: str) -> None:
    assert edit(environment(before), Repin("api", "0.9.0", BACK)) == environment(after)


def test_a_plain_hold_takes_the_place_of_one_at_a_version() -> None:
    text = edit(environment('    api: "1.0.0"\n'), Repin("api", "0.9.0", BACK))

    held = edit(text, Hold("api", Until("CHG-7", UNTIL)))

    assert held == text.replace(', at: "0.9.0"', "")


def test_an_unquoted_version_gets_quotes_where_it_needs_them() -> None:
    assert '    api: "2.10"\n' in edit(environment("    api: 1.0.0\n"), Repin("api", "2.10"))


NEW = NewPin("ui", "2.10")
NEW_PINS = [
    (environment('    api: "1.0.0"\n'), environment('    api: "1.0.0"\n    ui: "2.10"\n')),
    (
        environment("    api:\n      redeploy: 1\n      version: '1.0.0' # v\n# end\n"),
        environment(
            "    api:\n      redeploy: 1\n      version: '1.0.0' # v\n    ui: \"2.10\"\n# end\n"
        ),
    ),
    (HEAD + REST, f'{HEAD}{REST}  components:\n    ui: "2.10"\n'),
    (
        HEAD + REST.replace("\n", "\r\n").rstrip(),
        HEAD + REST.replace("\n", "\r\n").rstrip() + '\r\n  components:\r\n    ui: "2.10"',
    ),
    (
        f"{HEAD}{REST}  components: {{}}  # yet\n",
        f'{HEAD}{REST}  components: {{ui: "2.10"}}  # yet\n',
    ),
    (
        f"{HEAD}{REST}  components: {{api: '1.0.0', }}\n",
        f"{HEAD}{REST}  components: {{api: '1.0.0', ui: \"2.10\", }}\n",
    ),
]


@pytest.mark.parametrize(("before", "after"), NEW_PINS)
def test_a_new_pin_stands_behind_those_there_are(before: str, after: str) -> None:
    assert edit(before, NEW) == after
    assert read(after).pins["ui"].version == "2.10"


def test_several_new_pins_stand_in_the_order_they_are_named_a_hold_beside_its_pin() -> None:
    text = edit(HEAD + REST, NewPin("ui", "1.0", Until("CHG-7")), NewPin("1.0", "2"))

    assert text.removeprefix(HEAD + REST) == (
        '  components:\n    ui: {version: "1.0", hold: {reason: "CHG-7"}}\n    "1.0": "2"\n'
    )


THREE = '    api: "1.0.0"  # a\n    # about db\n    db: {version: "1.0.0"}\n    web: "1.0.0"\n'
UNPINS = [
    (("db",), environment(THREE.replace('    db: {version: "1.0.0"}\n', ""))),
    (("api", "web"), environment('    # about db\n    db: {version: "1.0.0"}\n')),
]


@pytest.mark.parametrize(("names", "after"), UNPINS)
def test_a_pin_is_taken_away_with_its_line(names: tuple[str, ...], after: str) -> None:
    assert edit(environment(THREE), *map(Unpin, names)) == after


def test_with_the_last_pin_its_key_goes_and_another_one_may_take_its_place() -> None:
    text = environment('    api: "1.0.0"\n')

    assert edit(text, Unpin("api")) == HEAD + REST
    assert edit(text, Unpin("api"), NewPin("ui", "2.10")) == environment('    ui: "2.10"\n')


@pytest.mark.parametrize("gone", [("a",), ("b",), ("c",), ("a", "b"), ("b", "c"), ("a", "c")])
def test_pins_are_taken_out_of_braces_with_one_comma_each(gone: tuple[str, ...]) -> None:
    text = f'{HEAD}{REST}  components: {{a: "1", b: "2",\n    c: "3"}}\n'

    after = edit(text, *map(Unpin, gone))

    assert set(read(after).pins) == {"a", "b", "c"} - set(gone)
    assert after.count(",") == text.count(",") - len(gone)
    assert edit(text, *map(Unpin, "abc")) == HEAD + REST


def test_the_platform_version_is_set_where_it_stands_or_behind_the_policy() -> None:
    said = REST + "  platformVersion: '2026.11.1'  # signed\n"

    assert edit(HEAD + REST, Rebase("2026.11")) == HEAD + REST + '  platformVersion: "2026.11"\n'
    assert edit(HEAD + said, Rebase("2026.11.2")) == HEAD + said.replace("11.1", "11.2")
    with pytest.raises(EditRefused, match="is no Environment"):
        edit(
            "apiVersion: reconciler/v1\nkind: Pins\nmetadata: {name: a}\n"
            'spec: {environment: test, components: {ui: "5.2.0"}}\n',
            Rebase("1"),
        )


HOLDS = [
    ('    api: "1.0.0"  # why\n', '    api: {version: "1.0.0", hold: {reason: "CHG-7"}}  # why\n'),
    ("    api: 1.0.0\n", '    api: {version: 1.0.0, hold: {reason: "CHG-7"}}\n'),
    (
        '    api: {version: "1.0.0", redeploy: 1}\n',
        '    api: {version: "1.0.0", redeploy: 1, hold: {reason: "CHG-7"}}\n',
    ),
    (
        '    api:\n      version: "1.0.0"  # v\n      redeploy: 1\n',
        '    api:\n      version: "1.0.0"  # v\n      hold: {reason: "CHG-7"}\n      redeploy: 1\n',
    ),
    (
        '    api: {version: "1.0.0",   # v\n      redeploy: 1  # r\n      }\n',
        '    api: {version: "1.0.0",   # v\n      redeploy: 1, hold: {reason: "CHG-7"}  # r\n'
        "      }\n",
    ),
]


@pytest.mark.parametrize(("before", "after"), HOLDS)
def test_a_hold_is_added_and_lifted_again(before: str, after: str) -> None:
    held = edit(environment(before), Hold("api", Until("CHG-7")))

    assert held == environment(after)
    assert edit(held, Hold("api", None)) == environment(before)


def test_a_hold_in_a_block_goes_with_its_lines_and_leaves_the_others() -> None:
    pins = (
        '    # first\n    api:\n      hold:\n        reason: "x"  # gone\n'
        '        until: "2026-12-01T00:00:00Z"\n      # stays\n      version: "1.0.0"\n'
        '    db: "1.0.0"\n'
    )

    lifted = edit(environment(pins), Hold("api", None))

    assert lifted == environment(
        '    # first\n    api:\n      # stays\n      version: "1.0.0"\n    db: "1.0.0"\n'
    )


def test_a_hold_over_several_lines_in_braces_goes_and_comments_stay() -> None:
    pins = '    api: {version: "1.0.0",  # v\n      hold: {reason: x}\n    }  # end\n'

    lifted = edit(environment(pins), Hold("api", None))

    assert lifted == environment('    api: {version: "1.0.0"  # v\n    }  # end\n')


def test_another_reason_and_time_replace_only_themselves() -> None:
    pins = '    api: {version: "1.0.0", hold: {reason: CHG-1, until: 2026-11-30T00:00:00Z}}  # c\n'

    once = edit(environment(pins), Hold("api", Until("CHG-2", UNTIL)))
    assert '{reason: "CHG-2", until: "2026-12-01T00:00:00Z"}}  # c\n' in once
    again = edit(once, Hold("api", Until("CHG-2")))
    assert 'hold: {reason: "CHG-2"}}  # c\n' in again
    assert edit(again, Hold("api", Until("CHG-2", UNTIL))) == once


def test_an_edit_that_says_what_stands_there_changes_no_byte() -> None:
    text = environment('    api: {version: "1.0.0", hold: {reason: CHG-1}}\n')

    assert edit(text, Hold("api", Until("CHG-1")), Suspend(None)) == text
    assert edit(text, Repin("api", "1.0.0")) == text


@pytest.mark.parametrize("until", [None, UNTIL])
@pytest.mark.parametrize(
    "text",
    [
        environment('    api: "1.0.0"\n'),
        environment('    api: "1.0.0"\n', REST + "  policy: open # p\n"),
        f"{HEAD[:-1]} {{octopus: {{space: shop, environment: Test}}, stack: platform}}\n",
        HEAD + REST.replace("  # the one\n", ""),
    ],
)
def test_an_environment_is_suspended_and_resumed(text: str, until: datetime | None) -> None:
    suspended = edit(text, Suspend(Until("night: of #the release", until)))

    document = read(suspended)
    assert isinstance(document, EnvironmentDocument)
    assert document.suspend == Until("night: of #the release", until)
    assert edit(suspended, Suspend(None)).rstrip("\n") == text.rstrip("\n")


def test_pins_of_a_fragment_are_edited_where_they_are() -> None:
    text = (
        "apiVersion: reconciler/v1\nkind: Pins\nmetadata: {name: a}\n"
        'spec: {environment: test, components: {ui: "5.2.0", api: "1.0.0"}}\n'
    )

    assert edit(text, Repin("ui", "5.3.0")) == text.replace("5.2.0", "5.3.0")
    with pytest.raises(EditRefused, match="is no Environment"):
        edit(text, Suspend(Until("no")))


@pytest.mark.parametrize(
    ("pins", "asked", "why"),
    [
        ('    db: "1.0.0"\n', Repin("api", "2.0.0"), "api is not pinned"),
        ('    api: "1.0.0"\n', NewPin("api", "2.0.0"), "api is pinned already"),
        ("    api: |-\n      1.0.0\n", NewPin("ui", "2.0.0"), "several lines"),
        ("    api: |-\n      1.0.0\n", Repin("api", "2.0.0"), "several lines"),
        ("    api: |-\n      1.0.0\n", Hold("api", Until("x")), "several lines"),
        ('    api: "1.0.0"\n', Repin("api", "two words"), "not a version"),
        ('    api: "1.0.0"\n', Hold("api", Until("two\nlines")), "must be one line"),
        (
            '    api:\n      version: "1.0.0"\n      hold:\n        reason: |-\n          x\n',
            Hold("api", None),
            "several lines",
        ),
    ],
)
def test_rule_24_what_cannot_be_edited_alone_is_refused(pins: str, asked: Edit, why: str) -> None:
    with pytest.raises(EditRefused, match=why) as refused:
        edit(environment(pins), asked)

    assert "nothing was changed" in refused.value.message
    assert refused.value.hint


def test_rule_24_one_pin_is_not_edited_twice_at_once() -> None:
    with pytest.raises(EditRefused, match="named twice"):
        edit(environment('    api: "1.0.0"\n'), Repin("api", "2.0.0"), Hold("api", Until("x")))


# --- whatever the file looks like -------------------------------------------------------------

NAMES = ("api", "db", "web-ui", "a.b_c", "z9")
VERSIONS = st.sampled_from(["1.0.0", "2.10", "2026.11.1-rc.1+7", "10", "0.0.1-beta", "v3"])
COMMENTS = st.sampled_from(["", " # note", '   # {hold: x}, "y"', "\t# é — ✓"])
REASONS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "), min_size=1
).filter(lambda text: text.strip() == text and len(text) <= 200 and text.isprintable())


@st.composite
def scalars(draw: st.DrawFn, version: str) -> str:
    plain = [version] if version in {"1.0.0", "0.0.1-beta", "v3"} else []
    return draw(st.sampled_from([f'"{version}"', f"'{version}'", *plain]))


@st.composite
def pin_lines(draw: st.DrawFn, name: str, pad: str) -> str:
    value = draw(scalars(draw(VERSIONS)))
    key = draw(st.sampled_from([name, f'"{name}"', f"'{name}'"]))
    gap, note = draw(st.sampled_from([" ", "   "])), draw(COMMENTS)
    fields = [f"version:{gap}{value}"]
    if draw(st.booleans()):
        fields.append("redeploy: 4")
    if draw(st.booleans()):
        until = draw(st.sampled_from(["", ', until: "2027-01-01T00:00:00+01:00"']))
        fields.append(f"hold: {{reason: 'r: 1'{until}}}")
    fields = draw(st.permutations(fields))
    shape = draw(st.sampled_from(["scalar", "flow", "lines", "block"]))
    if shape == "scalar":
        return f"{pad}{key}:{gap}{value}{note}\n"
    if shape == "flow":
        tail = draw(st.sampled_from(["", " ", ","]))
        return f"{pad}{key}: {{ {', '.join(fields)}{tail}}}{note}\n"
    if shape == "lines":
        inner = f",{note}\n{pad}   ".join(fields)
        return f"{pad}{key}: {{{inner}{note}\n{pad} }}{note}\n"
    deeper = pad + " " * draw(st.integers(1, 5))
    above = draw(st.sampled_from(["", f"{deeper}# above\n", "\n"]))
    return f"{pad}{key}:{note}\n" + "".join(f"{above}{deeper}{f}{note}\n" for f in fields)


@st.composite
def files(draw: st.DrawFn) -> str:
    pad = " " * draw(st.integers(1, 4))
    deeper = pad + " " * draw(st.integers(1, 4))
    pins = "".join(
        draw(st.sampled_from(["", "\n", f"{deeper}# about {name}\n", "# at the margin\n"]))
        + draw(pin_lines(name, deeper))
        for name in NAMES
    )
    spec = [
        f"{pad}octopus:\n{deeper}space: shop{draw(COMMENTS)}\n{deeper}environment: Test\n",
        f"{pad}stack: platform{draw(COMMENTS)}\n",
        f"{pad}components:{draw(COMMENTS)}\n{pins}",
        *([f"{pad}policy: 'open'\n"] if draw(st.booleans()) else []),
    ]
    text = HEAD + "".join(draw(st.permutations(spec)))
    text = text if draw(st.booleans()) else text.removesuffix("\n")
    text = text.replace("\n", "\r\n") if draw(st.booleans()) else text
    return ("\ufeff" if draw(st.booleans()) else "") + text


@given(files(), st.sampled_from(NAMES), VERSIONS)
def test_rule_24_one_changed_pin_is_one_changed_line(text: str, name: str, version: str) -> None:
    before = read(text).pins
    assume(before[name].version != version)

    after = edit(text, Repin(name, version))

    gone, come = changed(text, after)
    assert len(gone) == len(come) == 1
    assert come[0].replace(f'"{version}"', "@").replace(f"'{version}'", "@").replace(
        version, "@"
    ) == gone[0].replace(f'"{before[name].version}"', "@").replace(
        f"'{before[name].version}'", "@"
    ).replace(before[name].version, "@")
    pins = read(after).pins
    assert pins[name].version == version
    assert pins[name].hold == before[name].hold
    assert {n: p for n, p in pins.items() if n != name} == {
        n: p for n, p in before.items() if n != name
    }


def comments(text: str) -> list[str]:
    return [line.rpartition("#")[2].rstrip("\r\n") for line in text.split("\n") if "#" in line]


@given(files(), st.sampled_from(NAMES), REASONS, st.sampled_from([None, UNTIL]))
def test_rule_24_a_hold_changes_only_its_pin_and_keeps_comments(
    text: str, name: str, reason: str, until: datetime | None
) -> None:
    assume("#" not in reason)
    before = read(text).pins
    hold = Until(reason, until)

    held = edit(text, Hold(name, hold))

    gone, come = changed(text, held)
    assert len(gone) <= 1 + (not text.endswith("\n"))
    assert len(come) <= 1 + len(gone)
    pins = read(held).pins
    assert pins[name].hold == hold
    assert comments(held) == comments(text)
    assert held.count("\r\n") * bool("\r" in text) == held.count("\n") * bool("\r" in text)
    assert [(n, p.version, p.redeploy, p.hold) for n, p in pins.items() if n != name] == [
        (n, p.version, p.redeploy, p.hold) for n, p in before.items() if n != name
    ]

    lifted = read(edit(held, Hold(name, None))).pins
    assert [(n, p.version, p.redeploy) for n, p in lifted.items()] == [
        (n, p.version, p.redeploy) for n, p in before.items()
    ]
    assert lifted[name].hold is None


@given(files(), VERSIONS)
def test_rule_24_a_new_pin_is_one_new_line_and_nothing_else(text: str, version: str) -> None:
    after = edit(text, NewPin("new", version))

    gone, come = changed(text, after)
    assert len(come) == 1 + len(gone)
    assert len(gone) <= (not text.endswith("\n"))
    assert after.replace(f'new: "{version}"', "").split() == text.split()
    assert read(after).pins["new"].version == version


@given(files(), REASONS, st.sampled_from([None, UNTIL]))
def test_rule_24_suspend_and_resume_give_the_same_bytes_back(
    text: str, reason: str, until: datetime | None
) -> None:
    suspended = edit(text, Suspend(Until(reason, until)))

    gone, come = changed(text, suspended)
    assert len(come) == 1 + len(gone)
    back = edit(suspended, Suspend(None))
    assert back in {text, text + "\n", text + "\r\n"}


@given(files(), st.permutations(NAMES), VERSIONS)
def test_rule_24_several_pins_of_a_file_change_together(
    text: str, names: list[str], version: str
) -> None:
    chosen = names[:3]

    after = edit(text, *(Repin(name, version) for name in chosen))

    pins, before = read(after).pins, read(text).pins
    assert {n: p.version for n, p in pins.items()} == {
        n: version if n in chosen else p.version for n, p in before.items()
    }
    assert len(after.split("\n")) == len(text.split("\n"))
