"""A remote behind HTTP: credentials, refusals, silence and half answers."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from git_world import Remote, TurnedClock, change, git, publish
from http_remote import HttpRemote

from reconciler.credentials import Given
from reconciler.errors import GitTrouble, RemoteUnreachable, UsageError
from reconciler.git.address import HttpsCredential, parse_address
from reconciler.git.audit import GitAudit
from reconciler.git.lease import Holder
from reconciler.git.mirror import GitOptions, Mirror
from reconciler.git.repository import GitRepository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "s3cret-t0ken"
HEADER = "Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0LXQwa2Vu"
RECEIPT = "receipts/qa/wallet/2026/dr-1.receipt.json"


@pytest.fixture
def server(remote: Remote) -> Iterator[HttpRemote]:
    git(remote.bare, "config", "http.receivepack", "true")
    server = HttpRemote(remote.bare.parent)
    yield server
    server.close()


@pytest.fixture
def mirror(server: HttpRemote, tmp_path: Path) -> Mirror:
    return mirror_at(server, tmp_path)


def mirror_at(server: HttpRemote, tmp_path: Path, **options: object) -> Mirror:
    address = parse_address(f"{server.url}/remote.git", allow_local=True)
    options.setdefault("credential", HttpsCredential(Given("test", TOKEN)))
    return Mirror(tmp_path / "state", address, GitOptions(**options))  # type: ignore[arg-type]


@pytest.fixture
def audit(mirror: Mirror, clock: TurnedClock) -> GitAudit:
    return GitAudit(mirror, "audit", Holder("one", "one.example", 1, "s"), clock, lambda _: None)


def test_reading_and_recording_work_over_http(
    remote: Remote, server: HttpRemote, mirror: Mirror, audit: GitAudit
) -> None:
    server.manners.authorization = HEADER
    repository = GitRepository(mirror, None)

    tip = repository.fetch()
    lease = audit.take_lease("qa", may_take_over=None)
    commit, _ = publish(audit, change({RECEIPT: b"{}"}), lease)

    assert tip == remote.refs()["refs/heads/main"] == repository.tip()
    assert commit == remote.refs()["refs/heads/audit"]


def test_words_of_people_name_commits_of_a_remote(
    remote: Remote, server: HttpRemote, tmp_path: Path
) -> None:
    first = remote.refs()["refs/heads/main"]
    second = remote.commit({"b": ""})
    git(remote.clone, "tag", "-m", "v", "v1", first)
    git(remote.clone, "push", "-q", "origin", "v1", f"{first}:refs/heads/team/feature")
    words = {
        "HEAD": second,
        "@": second,
        "@~1": first,
        "HEAD~1": first,
        "main": second,
        "main^": first,
        first: first,
        first[:9]: first,
        "team/feature": first,
        "v1": first,
        "v1^{commit}": first,
    }
    found = {}
    for number, word in enumerate(words):  # each with a new mirror, which knows nothing yet
        mirror = mirror_at(server, tmp_path / str(number))
        found[word] = GitRepository(mirror, "main" if number % 2 else None).resolve(word)

    assert found == words
    for word in ("nope", "HEAD~9", "1" * 40, "audit"):
        with pytest.raises(UsageError, match="names no commit"):
            GitRepository(mirror_at(server, tmp_path), "main").resolve(word)


def test_rule_30_the_token_is_in_no_argument_file_or_message(
    server: HttpRemote, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    arguments: list[str] = []
    start = subprocess.Popen.__init__

    def listen(self: object, command: list[str], *more: object, **named: object) -> None:
        arguments.extend(map(str, command))
        start(self, command, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(subprocess.Popen, "__init__", listen)
    GitRepository(mirror, None).fetch()
    server.manners.authorization = "Basic other"
    with pytest.raises(GitTrouble) as refused:
        GitRepository(mirror, None).fetch()

    assert {given for _, _, given in server.manners.seen} == {HEADER}
    encoded = HEADER.removeprefix("Basic ")
    kept = [path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert "fetch" in arguments
    for secret in (TOKEN, encoded):
        assert secret not in " ".join(arguments)
        assert secret not in refused.value.message + refused.value.hint
        assert not any(secret.encode() in content for content in kept)


@pytest.mark.parametrize("credential", [None, HttpsCredential(Given("test", "wrong"))])
def test_a_refused_credential_is_one_clear_error_and_nobody_is_asked(
    server: HttpRemote, tmp_path: Path, credential: HttpsCredential | None
) -> None:
    server.manners.authorization = HEADER
    repository = GitRepository(mirror_at(server, tmp_path, credential=credential), None)

    for ask in (repository.fetch, repository.tip):
        with pytest.raises(GitTrouble, match="refused our credential") as refused:
            ask()
        assert not isinstance(refused.value, RemoteUnreachable)
        assert "RECONCILER_GIT__TOKEN" in refused.value.hint


@pytest.mark.parametrize(
    ("status", "words", "comes_back"),
    [
        (403, "refused our credential", False),
        (404, "no such repository", False),
        (429, "429", True),
        (500, "500", True),
        (503, "503", True),
    ],
)
def test_a_failing_server_is_one_clear_error(
    server: HttpRemote, mirror: Mirror, status: int, words: str, comes_back: bool
) -> None:
    server.manners.status = status

    with pytest.raises(GitTrouble, match=words) as trouble:
        GitRepository(mirror, None).fetch()

    assert isinstance(trouble.value, RemoteUnreachable) == comes_back
    assert trouble.value.message.isprintable()


@pytest.mark.parametrize("kind", ["text/html", "application/x-git-upload-pack-advertisement"])
def test_a_login_page_in_place_of_git_is_one_clear_error(
    server: HttpRemote, mirror: Mirror, kind: str
) -> None:
    server.manners.status = 200
    server.manners.kind = kind
    server.manners.body = b"<html>\x1b[31m please log in</html>"

    with pytest.raises(GitTrouble) as trouble:
        GitRepository(mirror, None).fetch()

    assert server.url in trouble.value.message
    assert trouble.value.message.isprintable()


def test_rule_48_a_redirect_is_not_followed_and_gets_no_token(
    server: HttpRemote, mirror: Mirror, remote: Remote
) -> None:
    elsewhere = HttpRemote(remote.bare.parent)
    server.manners.status = 302
    server.manners.location = f"{elsewhere.url}/remote.git/info/refs?service=git-upload-pack"

    try:
        with pytest.raises(GitTrouble, match="redirect") as trouble:
            GitRepository(mirror, None).fetch()
    finally:
        elsewhere.close()

    assert elsewhere.manners.seen == []
    assert "final address" in trouble.value.hint


def test_a_slow_remote_is_given_up_in_time(server: HttpRemote, tmp_path: Path) -> None:
    patience = timedelta(seconds=0.3)
    mirror = mirror_at(server, tmp_path, timeout=patience, fetch_timeout=patience)
    server.manners.hang = threading.Event()

    try:
        with pytest.raises(RemoteUnreachable, match=r"within 0\.3 s"):
            GitRepository(mirror, None).fetch()
    finally:
        server.manners.hang.set()


def test_a_remote_that_is_not_there_is_unreachable(server: HttpRemote, mirror: Mirror) -> None:
    GitRepository(mirror, None).fetch()
    server.close()

    with pytest.raises(RemoteUnreachable) as trouble:
        GitRepository(mirror, None).tip()

    assert server.url in trouble.value.message
    assert "tried again" in trouble.value.hint


def test_a_remote_that_vanishes_during_a_fetch_leaves_the_mirror_as_it_was(
    server: HttpRemote, mirror: Mirror, remote: Remote
) -> None:
    repository = GitRepository(mirror, None)
    before = repository.fetch()
    tip = remote.commit({"b": "b"})
    server.manners.vanish_after = "git-upload-pack"

    with pytest.raises(RemoteUnreachable):
        repository.fetch()
    assert mirror.value("refs/reconciler/watched/HEAD") == before

    server.manners.vanish_after = None
    assert repository.fetch() == tip


def test_rule_26_a_push_whose_answer_got_lost_is_looked_up(
    server: HttpRemote, audit: GitAudit, remote: Remote
) -> None:
    lease = audit.take_lease("qa", may_take_over=None)
    server.manners.vanish_after = "/git-receive-pack"

    tip, renewed = publish(audit, change({RECEIPT: b"{}"}), lease)

    assert remote.refs()["refs/heads/audit"] == tip
    assert remote.refs()["refs/reconciler/lease/qa"] == renewed.ref_value


def test_rule_26_a_push_that_reached_nobody_is_unreachable_and_can_be_repeated(
    server: HttpRemote, audit: GitAudit, remote: Remote
) -> None:
    lease = audit.take_lease("qa", may_take_over=None)
    server.manners.status = 502

    with pytest.raises(RemoteUnreachable):
        publish(audit, change({RECEIPT: b"{}"}), lease)
    assert "refs/heads/audit" not in remote.refs()

    server.manners.status = None
    tip, _ = publish(audit, change({RECEIPT: b"{}"}), lease)
    assert remote.refs()["refs/heads/audit"] == tip


def test_rule_24_a_refusing_hook_behind_http_is_told_in_its_words(
    server: HttpRemote, audit: GitAudit, remote: Remote
) -> None:
    lease = audit.take_lease("qa", may_take_over=None)
    remote.hook("pre-receive", "echo 'GH006: protected branch' >&2; exit 1")

    with pytest.raises(GitTrouble, match="GH006: protected branch"):
        publish(audit, change({RECEIPT: b"{}"}), lease)

    assert "refs/heads/audit" not in remote.refs()


def test_a_rehearsal_tells_a_token_that_may_only_read_and_writes_nothing(
    server: HttpRemote, remote: Remote, audit: GitAudit
) -> None:
    before = remote.refs()
    audit.rehearse()
    audit.take_lease("qa", may_take_over=None)
    with_lease = remote.refs()

    server.manners.status, server.manners.at = 403, "git-receive-pack"
    with pytest.raises(GitTrouble, match="403"):
        audit.rehearse()

    assert remote.refs() == with_lease
    assert set(with_lease) == {*before, "refs/reconciler/lease/qa"}


def test_a_rehearsal_goes_on_from_the_branch_that_is_there(
    server: HttpRemote, remote: Remote, audit: GitAudit
) -> None:
    publish(audit, change({RECEIPT: b"{}"}), audit.take_lease("qa", may_take_over=None))
    before = remote.refs()

    audit.rehearse()

    assert remote.refs() == before
    assert any("git-receive-pack" in seen[1] for seen in server.manners.seen)
