"""Every refusal, word for word, at its file, line and column."""

import pytest
from manifest_world import (
    ENVIRONMENT,
    PINS,
    POLICY,
    QA,
    SPACE,
    STACK,
    WORLD,
    changed,
    lines,
    load,
    stopped,
)

from reconciler.core.manifest import DesiredState, Invalid
from reconciler.manifests.source import MAX_BYTES

NAME = (
    "must be a name: lower-case letters, digits, '.', '_' and '-', at most 63 characters, "
    "beginning and ending with a letter or a digit"
)
NO_KEY = (
    "must name an environment variable that begins with OCTOPUS_ or RECONCILER_ "
    "(capital letters, digits and '_'), never hold the key itself"
)
FILE_ONLY = (
    "must be a plain file name, without a folder; it is looked up in the setting secrets_dir"
)
TIME = "write it as 2026-12-01T00:00:00Z, with an offset or Z"
ALL = "; nothing tells which environment this file belongs to, so all are stopped"


def in_qa(component: str) -> dict[str, str | bytes]:
    """Return the world with one line under qa's components: line 8, column 5."""
    pins = f"components:\n    {component}\n"
    return changed(qa=QA.replace('components: {wallet-api: "2.5.0"}\n', pins))


@pytest.mark.parametrize(
    ("scalar", "what"),
    [
        ("1.10", "a number"),
        ("2", "a number"),
        ("0", "a number"),
        ("1e3", "a number"),
        ("012", "a number"),
        ("089", "a number"),
        ("0o17", "a number"),
        ("0x1F", "a number"),
        ("0b11", "a number"),
        ("1_000", "a number"),
        ("12:30:45", "a number"),
        ("1:0", "a number"),
        ("190:20:30.15", "a number"),
        (".5", "a number"),
        ("5.", "a number"),
        ("-1", "a number"),
        ("+1.5", "a number"),
        (".inf", "a number"),
        ("-.INF", "a number"),
        (".NaN", "a number"),
        ("123456789012345678901234567890", "a number"),
        ("2024-01-01", "a date or time"),
        ("2024-1-1", "a date or time"),
        ("2026-12-01T00:00:00Z", "a date or time"),
        ("2026-12-01 00:00:00", "a date or time"),
        ("no", "true or false"),
        ("Y", "true or false"),
        ("On", "true or false"),
        ("TRUE", "true or false"),
        ("true", "true or false"),
        ("~", "nothing (null)"),
        ("Null", "nothing (null)"),
        ("=", "a special key"),
        ("<<", "a special key"),
    ],
)
def test_rule_6_an_unquoted_scalar_that_some_yaml_reads_as_no_text_is_refused_with_the_fix(
    scalar: str, what: str
) -> None:
    message = f'{scalar} is {what} to YAML, not text; quote it: "{scalar}"'

    assert lines(load(in_qa(f"wallet-api: {scalar}"))) == [f"environments/qa.yaml:8:17: {message}"]
    assert lines(load(in_qa(f"wallet-api: {{version: {scalar}}}"))) == [
        f"environments/qa.yaml:8:27: {message}"
    ]
    name = QA.replace("stack: platform", f"stack: {scalar}")
    assert f"environments/qa.yaml:6:10: {message}" in lines(load(changed(qa=name)))
    if scalar != "<<":
        assert f"environments/qa.yaml:8:5: {message}" in lines(load(in_qa(f'{scalar}: "1.0"')))


@pytest.mark.parametrize(
    ("component", "line"),
    [
        ("wallet-api: '1.0 beta'", "8:17: '1.0 beta' is not a version: take the space out"),
        ("wallet-api: ' 1.0'", "8:17: ' 1.0' is not a version: take the space out"),
        ("wallet-api: ''", "8:17: an empty text is not a version"),
        (
            "wallet-api: 1.0.0-é",
            "8:17: '1.0.0-é' is not a version: it has a character outside of ASCII",
        ),
        (
            "wallet-api: {version: a;b}",
            "8:27: 'a;b' is not a version that Octopus can order: "
            "character 2 may not stand in a version",
        ),
        ("wallet-api: |\n      1.0", "8:17: '1.0\\n' is not a version: take the space out"),
        ("wallet-api:", "8:16: expected text or a mapping, found nothing"),
        ("wallet-api: []", "8:17: expected text or a mapping, found a list"),
        ("wallet-api: {}", "8:5: missing field 'version'"),
        ("wallet-api: {version: {}}", "8:27: expected text, found a mapping"),
        (f"wallet-api: '{'1' * 350}'", "8:17: longer than 349 characters"),
        ("Wallet_Api: 'x'", f"8:5: 'Wallet_Api' {NAME}"),
        ("wallet-: 'x'", f"8:5: 'wallet-' {NAME}"),
        ('"a\\nb": "1.0"', f"8:5: 'a\\nb' {NAME}"),
        ('"wallet-api\\n": "1.0"', f"8:5: 'wallet-api\\n' {NAME}"),
        (f"{'a' * 64}: '1.0'", f"8:5: '{'a' * 64}' {NAME}"),
        (
            "wallet-ap: '1.0'",
            "8:5: 'wallet-ap' is not a component of stack 'platform', did you mean 'wallet-api'?",
        ),
        ("zzz: '1.0'", "8:5: 'zzz' is not a component of stack 'platform'"),
        (
            "wallet-api: {version: '1', redeploy: -1}",
            "8:42: expected a whole number from 0 up, found '-1'",
        ),
        ("wallet-api: {version: '1', redeploy: '3'}", "8:42: '3': write 3, unquoted"),
        ("wallet-api: {version: '1', redeploy: 03}", "8:42: '03': write 3, unquoted"),
        (
            "wallet-api: {version: '1', redeploy: 1_0}",
            "8:42: expected a whole number from 0 up, found '1_0'",
        ),
        ("wallet-api: {version: '1', redeploy: 9000000}", "8:42: must be at most 1000000"),
        ("wallet-api: {version: '1', hold: {}}", "8:32: missing field 'reason'"),
        ("wallet-api: {version: '1', hold: CHG-1}", "8:38: expected a mapping, found 'CHG-1'"),
        (
            "wallet-api: {version: '1', hold: {reason: 2026-12-01}}",
            '8:47: 2026-12-01 is a date or time to YAML, not text; quote it: "2026-12-01"',
        ),
        (
            "wallet-api: {version: '1', hold: {reason: x, until: 2026-12-01}}",
            f"8:57: '2026-12-01' is not a time: {TIME}",
        ),
        (
            "wallet-api: {version: '1', hold: {reason: x, until: '2026-12-01T00:00:00'}}",
            f"8:57: '2026-12-01T00:00:00' is not a time: {TIME}",
        ),
        (
            "wallet-api: {version: '1', hold: {reason: x, until: 2026-02-30T00:00:00Z}}",
            "8:57: '2026-02-30T00:00:00Z' does not exist in the calendar",
        ),
        (
            "wallet-api: {version: '1', hold: {reason: x, until: 0001-01-01T00:00:00+14:00}}",
            "8:57: '0001-01-01T00:00:00+14:00' does not exist in the calendar",
        ),
        (
            "wallet-api: {version: '1', hold: {reason: x, until: 12}}",
            '8:57: 12 is a number to YAML, not text; quote it: "12"',
        ),
        (
            "wallet-api: {version: '1', hold: {reason: ' x'}}",
            "8:47: ' x' must be one line without control characters and without spaces around it",
        ),
        (
            "wallet-api: {version: '1', trak: Default}",
            "8:32: unknown field 'trak', did you mean 'track'?",
        ),
        (
            "wallet-api: {version: '1', redploy: 1}",
            "8:32: unknown field 'redploy', did you mean 'redeploy'?",
        ),
    ],
)
def test_a_wrong_pin_is_refused_at_its_place(component: str, line: str) -> None:
    assert lines(load(in_qa(component))) == [f"environments/qa.yaml:{line}"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("reconciler/v1", "reconciler/v2", "1:13: must be 'reconciler/v1', not 'reconciler/v2'"),
        ("name: qa", "name: Q A", f"3:18: 'Q A' {NAME}"),
        (
            "name: qa",
            "name: q..a",
            "3:18: 'q..a' must neither contain '..' nor end in '.lock', "
            "because git refuses such a name",
        ),
        ("name: qa", "name: qa, team: x", "3:22: unknown field 'team'; known here: name"),
        ("  stack: platform\n", "", "4:1: missing field 'stack'"),
        ("space: prod, ", "", "5:3: missing field 'space'"),
        ("space: prod", "space: prood", "5:20: no Space is named 'prood', did you mean 'prod'?"),
        (
            "stack: platform",
            "stack: platfrom",
            "6:10: no Stack is named 'platfrom', did you mean 'platform'?",
        ),
        (
            "stack: platform",
            "stack: platform\n  policy: carefull",
            "7:11: no Policy is named 'carefull', did you mean 'careful'?",
        ),
        ("components:", "componets:", "7:3: unknown field 'componets', did you mean 'components'?"),
        ("components:", "x: 1\n  components:", "7:3: unknown field 'x'; known here: octopus, "
                                               "stack, policy, platformVersion, "
                                               "components, rings, suspend, change, "
                                               "formerly, alsoDeployedBy, variables"),
        ("environment: QA}", "environment: QA, tenants: []}", "5:52: must not be empty"),
        ("environment: QA}", "environment: '' }", "5:39: must not be empty"),
        ("environment: QA}", f"environment: {'x' * 201}}}", "5:39: longer than 200 characters"),
    ],
)  # fmt: skip
def test_a_wrong_environment_is_refused_at_its_place(old: str, new: str, line: str) -> None:
    assert lines(load(changed(qa=QA.replace(old, new)))) == [f"environments/qa.yaml:{line}"]


def test_a_former_name_is_that_of_a_manifest_that_is_gone() -> None:
    found = load(changed(qa=f"{QA}  formerly: production-uk\n"))

    assert lines(found) == [
        "environments/qa.yaml:8:13: Environment 'production-uk' is still there: a former name is "
        "that of a manifest that is gone"
    ]
    assert isinstance(found.environments["production-uk"], DesiredState)


def test_two_environments_with_one_former_name_are_both_stopped() -> None:
    other = QA.replace("name: qa", "name: qa-2").replace("environment: QA", "environment: QA 2")
    files = {
        f"environments/{n}.yaml": f"{t}  formerly: old\n" for n, t in (("qa", QA), ("qb", other))
    }
    found = load({**changed(), **files})

    assert lines(found) == [
        "environments/qb.yaml:8:13: Environment 'qa' was called 'old' too, by "
        "environments/qa.yaml:8:13"
    ]
    assert {type(found.environments[name]) for name in ("qa", "qa-2")} == {Invalid}


def test_a_change_request_is_a_number_and_no_sentence() -> None:
    (found,) = lines(load(changed(qa=f"{QA}  change: because of Ann\n")))

    assert found.startswith(
        "environments/qa.yaml:8:11: 'because of Ann' must be the number of a change request: "
    )


@pytest.mark.parametrize(
    ("names", "line"),
    [
        ("[]", "8:19: must not be empty"),
        ("Nightly", "8:19: expected a list, found 'Nightly'"),
        ("[Nightly, Weekly, Nightly]", "8:19: 'Nightly' is in this list twice"),
        ("[12]", '8:20: 12 is a number to YAML, not text; quote it: "12"'),
        ("[Nightly, no]", '8:29: no is true or false to YAML, not text; quote it: "no"'),
        ("['']", "8:20: must not be empty"),
        ("[{name: Nightly}]", "8:20: expected text, found a mapping"),
    ],
)
def test_rule_6_who_else_deploys_is_a_list_of_texts(names: str, line: str) -> None:
    found = lines(load(changed(qa=f"{QA}  alsoDeployedBy: {names}\n")))

    assert found == [f"environments/qa.yaml:{line}"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "mode: apply",
            "mode: aply",
            "5:9: 'aply' is not one of observe, apply, heal, did you mean 'apply'?",
        ),
        ("mode: apply", "mode: no", "5:9: 'no' is not one of observe, apply, heal"),
        ("start: auto", "start: manually", "10:10: 'manually' is not one of auto, manual, "
                                           "did you mean 'manual'?"),
        ("protected: true", "protected: yes", "6:14: 'yes': write true, unquoted"),
        ("protected: true", "protected: Off", "6:14: 'Off': write false, unquoted"),
        ("protected: true", 'protected: "true"', "6:14: 'true': write true, unquoted"),
        ("protected: true", "protected: 1", "6:14: expected true or false, found '1'"),
        ("downgrades: 0", "downgrades: 012", "7:24: '012': write 12, unquoted"),
        ("changes: 20", 'changes: "20"', "7:36: '20': write 20, unquoted"),
        ("changes: 20", "changes: 1.5", "7:36: expected a whole number from 0 up, found '1.5'"),
        ("changes: 20", "changes: true", "7:36: expected a whole number from 0 up, found 'true'"),
        ("parallel: 4", "parallel: 0", "7:50: must be at least 1"),
        ("onWarning: hold", "onWarning: holt", "9:14: 'holt' is not one of continue, hold, "
                                               "did you mean 'hold'?"),
        ("start: auto", "windows: []", "10:12: expected a mapping, found a list"),
        ("start: auto", "approvals: {required: 11}", "10:25: must be at most 10"),
        ("start: auto", "approvals: {hours: 0}", "10:22: must be at least 1"),
        ("start: auto", "approvals: {forges: [github]}", "10:24: 'github' must be an e-mail "
                                                           "address"),
        ("start: auto", "preflight: whole", "10:14: 'whole' is not one of per-component, "
                                            "whole-set, did you mean 'whole-set'?"),
        ("start: auto", "guidedFailure: on", "10:18: on is true or false to YAML, not text; "
                                                'quote it: "on"'),
        ("start: auto", "machines: {forget: off}", "10:22: off is true or false to YAML, not "
                                                   'text; quote it: "off"'),
        ("start: auto", "machines: {graceHours: 0}", "10:26: must be at least 1"),
        ("start: auto", "deployFromDashboard: x", "10:3: 'deployFromDashboard' is not supported "
                                                  "yet"),
    ],
)  # fmt: skip
def test_a_wrong_policy_is_refused_at_its_place(old: str, new: str, line: str) -> None:
    assert old in POLICY

    found = lines(load(changed(careful=POLICY.replace(old, new))))

    assert found == [f"policies/careful.yaml:{line}"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "[wallet-db]",
            "[wallet-bd]",
            "7:55: unknown component 'wallet-bd', did you mean 'wallet-db'?",
        ),
        ("[wallet-db]", "[wallet-api]", "7:55: a cycle: wallet-api -> wallet-api"),
        (
            "direction: up-only",
            "after: [wallet-api]",
            "7:55: a cycle: wallet-api -> wallet-db -> wallet-api",
        ),
        ("[wallet-db]", "[wallet-db, wallet-db]", "7:54: 'wallet-db' is in this list twice"),
        ("[wallet-db]", "wallet-db", "7:54: expected a list, found 'wallet-db'"),
        ("up-only", "up", "8:28: 'up' is not one of up-only"),
        (
            "{project: Projects-7}",
            "",
            "9:14: expected a mapping, found nothing; write {} where there is nothing to say",
        ),
        ("Projects-7", "7", '9:25: 7 is a number to YAML, not text; quote it: "7"'),
        ("{prod: Wallet API}", "{}", "7:27: must not be empty"),
        (
            "{prod: Wallet API}",
            "{prodd: Wallet API}",
            "7:28: no Space is named 'prodd', did you mean 'prod'?",
        ),
        ("project: Projects-7", "from: devtest", "9:16: 'from' is not supported yet"),
        ("project: Projects-7", "channels: []", "9:26: must not be empty"),
        ("project: Projects-7", "values: {}", "9:16: 'values' is not supported yet"),
        ("project: Projects-7", "variables: {}", "9:27: must not be empty"),
        (
            "project: Projects-7",
            "variables: {Db Password: hush}",
            "9:28: 'Db Password' looks like a secret: make it a template of type secret",
        ),
        ("project: Projects-7", "uses: {}", "9:22: must not be empty"),
        (
            "project: Projects-7",
            'uses: {identity: "<1 >2"}',
            "9:33: no version is in the range '<1 >2'",
        ),
        (
            "project: Projects-7",
            'uses: {identity: "~4"}',
            "9:33: '~4' is not a range of versions: write it as '>=4.0' or '>=4.0 <5.0'",
        ),
        (
            "project: Projects-7",
            'uses: {a/b/c: "4"}',
            "9:23: 'a/b/c' must name a component of another stack: 'identity-server', or "
            "'identity/identity-server' with its stack",
        ),
    ],
)
def test_a_wrong_stack_is_refused_at_its_place(old: str, new: str, line: str) -> None:
    assert old in STACK

    found = lines(load(changed(platform=STACK.replace(old, new))))

    assert found == [f"stacks/platform.yaml:{line}"]


def test_components_of_one_octopus_project_are_not_pinned_together() -> None:
    same = STACK.replace("Projects-7", "Wallet api")

    assert lines(load(changed(platform=same))) == [
        "environments/production-uk.yaml:10:5: 'lobby-ui' is the same Octopus project as "
        "'wallet-api': pin one of them"
    ]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://user:secret@host", "the server must not contain a user or password; "
                                     "credentials are found elsewhere"),
        ("https://host?x=1", "the server must not have a query or fragment ('?', '#')"),
        ("https://host#x", "the server must not have a query or fragment ('?', '#')"),
        ("ftp://host", "the server must be a URL that begins with https:// (or http://)"),
        ("octopus.example.com", "the server must be a URL that begins with https:// (or http://)"),
        ("https:///x", "'https:///x' does not name a host"),
        ("https://host:99999", "'https://host:99999' is not a URL with a host and a port"),
        ('"https://a b"', "the server is not a URL: it has a space, a backslash or a character "
                          "not in ASCII"),
        ("https://host\\x", "the server is not a URL: it has a space, a backslash or a character "
                            "not in ASCII"),
        ("7", '7 is a number to YAML, not text; quote it: "7"'),
    ],
)  # fmt: skip
def test_a_wrong_server_is_refused_and_a_password_in_it_not_repeated(
    url: str, message: str
) -> None:
    wrong = SPACE.replace("https://octopus.example.com/", url)

    assert lines(load(changed(prod=wrong))) == [f"spaces/prod.yaml:5:11: {message}"]


@pytest.mark.parametrize("url", ["https://[::1]:8443", "http://octopus:8080/base", "https://h"])
def test_a_server_may_have_a_port_and_a_path(url: str) -> None:
    assert lines(load(changed(prod=SPACE.replace("https://octopus.example.com/", url)))) == []


@pytest.mark.parametrize(
    ("observe", "line"),
    [
        ("API-ABCDEF1234567890", "7:26: expected a mapping; a key never stands in a manifest"),
        ("{env: API-ABCDEF1234567890}", f"7:32: {NO_KEY}"),
        ("{env: AWS_SECRET_ACCESS_KEY}", f"7:32: {NO_KEY}"),
        ("{env: 1234567}", "7:32: expected text; a key never stands in a manifest"),
        ("{API-ABCDEF1234567890: x}", "7:27: unknown field; known here: env, file"),
        ("{env: OCTOPUS_A, file: a}", "7:26: must say exactly one of 'env' and 'file'"),
        ("{}", "7:26: must say exactly one of 'env' and 'file'"),
        ("{file: ../etc/passwd}", f"7:33: {FILE_ONLY}"),
        ("{file: /etc/passwd}", f"7:33: {FILE_ONLY}"),
        ("{file: .hidden}", f"7:33: {FILE_ONLY}"),
        ('{file: "a\\n"}', f"7:33: {FILE_ONLY}"),
        ("{env: OCTOPUS_A}, import: {env: OCTOPUS_B}", "7:44: 'import' is not supported yet"),
    ],
)
def test_rule_30_a_key_in_a_manifest_is_refused_and_never_repeated(observe: str, line: str) -> None:
    wrong = SPACE.replace("{env: OCTOPUS_OBSERVE_KEY}", observe)

    assert lines(load(changed(prod=wrong))) == [f"spaces/prod.yaml:{line}"]


def test_only_a_space_behind_an_air_gap_goes_without_credentials() -> None:
    bare = "".join(SPACE.splitlines(keepends=True)[:-1])

    for said in ("", "  connected: true\n"):
        assert lines(load(changed(prod=bare + said))) == [
            "spaces/prod.yaml:4:1: missing field 'credentials'"
        ]


def test_rule_11_nothing_is_deployed_to_a_space_that_is_not_connected() -> None:
    found = load(changed(prod=f"{SPACE}  connected: false\n"))

    assert stopped(found) == ["production-uk", "qa"]
    assert lines(found)[1] == (
        "environments/qa.yaml:5:20: space 'prod' says `connected: false`, so nothing is deployed "
        "there from here; make this a RemoteEnvironment"
    )


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("kind: Environment", "kind: Enviroment", "2:7: unknown kind 'Enviroment', did you mean "
                                                  f"'Environment'?{ALL}"),
        ("kind: Environment", "kind: Job", "2:7: unknown kind 'Job'; known are Environment, Space, "
                                           f"Stack, Policy, Pins, PlatformVersion, "
                                           f"Lifecycle, RemoteEnvironment{ALL}"),
        ("kind: Environment", "kind: 1", "2:7: kind must be one of Environment, Space, Stack, "
                                         f"Policy, Pins, PlatformVersion, Lifecycle, "
                                         f"RemoteEnvironment{ALL}"),
        ("kind: Environment\n", "", f"1:1: missing field 'kind'{ALL}"),
    ],
)  # fmt: skip
def test_an_unknown_kind_is_refused_at_its_place(old: str, new: str, line: str) -> None:
    assert lines(load(changed(qa=QA.replace(old, new)))) == [f"environments/qa.yaml:{line}"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("metadata: &a {name: x}", "3:11: anchors are not allowed; take '&a' away"),
        ("metadata: {name: &a x}", "3:18: anchors are not allowed; take '&a' away"),
        ("metadata: *a", "3:11: aliases are not allowed; write the value out"),
        ("metadata: !!map {name: qa}", "3:11: tags are not allowed; take 'tag:yaml.org,2002:map' "
                                       "away"),
        ("metadata: {name: !!str qa}", "3:18: tags are not allowed; take 'tag:yaml.org,2002:str' "
                                       "away"),
        ("metadata: {name: ! qa}", "3:18: tags are not allowed; take '!' away"),
        ("metadata: {<<: {name: qa}, name: qa}", "3:12: merge keys are not allowed; write the "
                                                 "fields out"),
        ("metadata: {name: qa}\nkind: Pins", "4:1: 'kind' is written twice; first in line 2"),
        ("metadata: {name: qa, 'name': qa}", "3:22: 'name' is written twice; first in line 3"),
    ],
)  # fmt: skip
def test_rule_7_what_yaml_can_do_beyond_plain_values_is_an_error_at_its_place(
    content: str, line: str
) -> None:
    found = lines(load(changed(qa=QA.replace("metadata: {name: qa}", content))))

    assert found[0].removesuffix(ALL) == f"environments/qa.yaml:{line}"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "1:1: the file is empty: expected a mapping with apiVersion, kind, metadata and "
              "spec"),
        (b"# nothing\n", "1:1: the file is empty: expected a mapping with apiVersion, kind, "
                         "metadata and spec"),
        (b"- a\n", "1:1: expected a mapping with apiVersion, kind, metadata and spec"),
        (b"text\n", "1:1: expected a mapping with apiVersion, kind, metadata and spec"),
        (b"a: b\n---\nc: d\n", "2:1: a second document in one file; give it a file of its own"),
        (b"%YAML 1.1\n---\na: b\n", "1:1: YAML directives (%YAML, %TAG) are not allowed; "
                                    "take them away"),
        (b"a: \xff\n", "1:4: not UTF-8: byte 0xff"),
        (b"\xff\xfea\x00:\x00", "1:1: not UTF-8: byte 0xff"),
        ("a: é\nb: ".encode() + b"\xc3", "2:4: not UTF-8: byte 0xc3"),
        (b"a: b\nc: \x07", "2:4: control character U+0007 is not allowed"),
        ("# ok\u2028a: b".encode(), "1:5: character U+2028 is not allowed: it hides from a reader "
                                    "what is read"),
        ("a: b # \u202e".encode(), "1:8: character U+202E is not allowed: it hides from a reader "
                                   "what is read"),
        (b"# ok\ra: b", "1:5: character U+000D is not allowed: it hides from a reader what "
                          "is read"),
        (b"a: " + b"[" * 30, "1:23: nested more than 20 deep"),
        (b"a: [b", "2:1: not YAML: did not find expected ',' or ']' while parsing a flow sequence"),
        (b"a: b: c", "1:5: not YAML: mapping values are not allowed in this context"),
        (b"a:\n\tb: c", "2:1: not YAML: a tab; indent with spaces"),
        (b"a:\n  b: c\n  \td: e", "3:3: not YAML: a tab; indent with spaces"),
        (b"? [a]\n: b", "1:3: a key is one word, never a list or mapping"),
        (b"? {a: b}\n: b", "1:3: a key is one word, never a list or mapping"),
        (b"a: '" + b"x" * MAX_BYTES + b"'", "1:1: 1048581 bytes, more than the 1048576 a file may "
                                            "have; split it"),
    ],
    ids=str,
)  # fmt: skip
def test_rule_7_a_file_that_is_not_one_plain_document_is_an_error_at_its_place(
    content: bytes, line: str
) -> None:
    found = lines(load(changed(qa=content)))

    assert found[0].removesuffix(ALL) == f"environments/qa.yaml:{line}"


def test_rule_7_a_file_of_exactly_1_mib_and_nesting_of_20_are_read() -> None:
    padded = QA + "#" * (MAX_BYTES - len(QA) - 1) + "\n"
    deep = "a: " + "[" * 19 + "]" * 19

    assert lines(load(changed(qa=padded))) == []
    assert "deep" not in lines(load(changed(qa=deep)))[0]


@pytest.mark.parametrize(
    ("mode", "what"),
    [
        ("120000", "a symbolic link"),
        ("160000", "a submodule"),
        ("040000", "a special file (mode 040000)"),
        ("100600", "a special file (mode 100600)"),
    ],
)
def test_rule_22_links_submodules_and_special_modes_are_errors(mode: str, what: str) -> None:
    found = load(WORLD, modes={"environments/qa.yaml": mode}, earlier=[WORLD])

    assert lines(found) == [
        f"environments/qa.yaml:1:1: {what} where a manifest is expected; put a plain file here"
    ]


def test_an_executable_file_is_a_plain_file() -> None:
    assert lines(load(WORLD, modes={"environments/qa.yaml": "100755"})) == []


@pytest.mark.parametrize("name", ["qa.yml", "qa.YAML", "qa.Yml"])
def test_a_manifest_with_another_suffix_is_told_to_be_renamed(name: str) -> None:
    assert lines(load({**changed(qa=None), f"environments/{name}": QA})) == [
        f"environments/{name}:1:1: only *.yaml is read; rename it to qa.yaml"
    ]


def test_a_name_used_twice_names_both_places() -> None:
    found = load({**WORLD, "a/stack.yaml": STACK, "b/qa.yaml": QA, "b/pins.yaml": PINS})

    assert lines(found) == [
        "environments/qa.yaml:3:18: Environment 'qa' exists twice: "
        "also at b/qa.yaml:3:18; rename one",
        "stacks/platform.yaml:3:18: Stack 'platform' exists twice: "
        "also at a/stack.yaml:3:18; rename one",
        "teams/wallet.yaml:3:18: Pins 'wallet-production-uk' exists twice: "
        "also at b/pins.yaml:3:18; rename one",
        "teams/wallet.yaml:7:5: 'wallet-db' is pinned twice for production-uk: "
        "also at b/pins.yaml:7:5; keep one",
    ]


def test_a_pin_in_an_environment_and_a_fragment_names_both_places() -> None:
    both = PINS.replace("wallet-db: {", "wallet-api: {")

    assert lines(load(changed(wallet=both))) == [
        "teams/wallet.yaml:7:5: 'wallet-api' is pinned twice for production-uk: "
        "also at environments/production-uk.yaml:9:5; keep one"
    ]


def test_a_cell_that_two_environments_claim_names_both() -> None:
    same = QA.replace("environment: QA", "environment: production UK")

    assert lines(load(changed(qa=same))) == [
        "environments/qa.yaml:7:16: 'wallet-api' in Octopus environment 'production UK' is "
        "already pinned by Environment 'production-uk' at environments/production-uk.yaml:9:5"
    ]


def test_two_environments_may_share_an_octopus_environment_without_sharing_a_cell() -> None:
    other = QA.replace("environment: QA", "environment: Production UK")
    other = other.replace("wallet-api", "other-ui")
    stack = STACK + "    other-ui: {}\n"

    assert lines(load(changed(qa=other, platform=stack))) == []


def test_pins_for_an_unknown_environment_are_refused() -> None:
    lost = PINS.replace("environment: production-uk", "environment: production-u")

    assert lines(load(changed(wallet=lost))) == [
        "teams/wallet.yaml:5:16: no Environment is named 'production-u', "
        "did you mean 'production-uk'?"
    ]


def test_all_problems_of_all_files_are_told_at_once_sorted_by_place() -> None:
    broken = QA.replace("components:", "componets:").replace("stack: platform", "stack: 1.10")
    found = load(
        changed(
            qa=broken + "  windows: []\n  suspend: {until: soon}\n",
            careful=POLICY.replace("start: auto", "start: manuel").replace("hold", "held"),
            wallet=PINS.replace('"1.9.0"', "'1 9'").replace("redeploy: 2", "redeploy: two"),
        )
    )

    assert lines(found) == [
        'environments/qa.yaml:6:10: 1.10 is a number to YAML, not text; quote it: "1.10"',
        "environments/qa.yaml:7:3: unknown field 'componets', did you mean 'components'?",
        "environments/qa.yaml:8:3: unknown field 'windows'; known here: octopus, stack, policy, "
        "platformVersion, components, rings, suspend, change, formerly, "
        "alsoDeployedBy, variables",
        "environments/qa.yaml:9:3: missing field 'reason'",
        f"environments/qa.yaml:9:20: 'soon' is not a time: {TIME}",
        "policies/careful.yaml:9:14: 'held' is not one of continue, hold, did you mean 'hold'?",
        "policies/careful.yaml:10:10: 'manuel' is not one of auto, manual, did you mean 'manual'?",
        "teams/wallet.yaml:7:26: '1 9' is not a version: take the space out",
        "teams/wallet.yaml:7:43: expected a whole number from 0 up, found 'two'",
    ]


def test_rule_52_hostile_text_is_shown_escaped_and_bounded() -> None:
    hostile = 'wallet-api: "\\e[2J\\u200b' + "x" * 300 + '"'

    (line,) = lines(load(in_qa(hostile)))

    assert line.isprintable()
    assert len(line) < 400
    assert "\\x1b[2J\\u200b" in line


def test_rule_52_a_hostile_file_name_is_shown_escaped() -> None:
    (line,) = lines(load({**WORLD, "a\x1b[2J\n.yaml": ENVIRONMENT + "  x: 1\n"}))[:1]

    assert line.startswith("a\\x1b[2J\\n.yaml:")


def test_one_file_with_many_problems_does_not_flood_the_list() -> None:
    many = "".join(f"    c{number}: 1.{number}\n" for number in range(500))
    found = lines(load(changed(qa=QA.partition("  components")[0] + "  components:\n" + many)))

    assert len(found) == 51
    assert (
        sum(
            line.endswith("too many problems; the rest of this file was not looked at")
            for line in found
        )
        == 1
    )


def test_a_colon_in_an_unquoted_scalar_of_a_flow_mapping_is_text_to_us_too() -> None:
    flow = SPACE.replace(
        "spec:\n  server: https://octopus.example.com/\n  space: Gaming\n  credentials:",
        "spec: {server: https://octopus.example.com:8443/base, space: Gaming, credentials:",
    )

    assert lines(load(changed(prod=flow.rstrip() + "}\n"))) == []


def test_in_a_very_large_file_such_a_colon_has_to_be_quoted() -> None:
    flow = SPACE.replace("{observe:", "{x: a:b, observe:") + "#" * 256 * 1024

    assert lines(load(changed(prod=flow))) == [
        "spaces/prod.yaml:7:21: not YAML: found unexpected ':' while scanning a plain scalar"
        "; quote the text that has a colon in it"
    ]
