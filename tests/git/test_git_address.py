"""Which addresses a repository may have, and what of them people see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.credentials import Given
from reconciler.errors import UsageError
from reconciler.git.address import HttpsCredential, Transport, parse_address

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "url", "transport"),
    [
        ("https://git.example/acme/m.git", "https://git.example/acme/m.git", Transport.HTTPS),
        ("HTTPS://git.example:8443/m", "https://git.example:8443/m", Transport.HTTPS),
        ("https://[2001:db8::1]:8443/m", "https://[2001:db8::1]:8443/m", Transport.HTTPS),
        ("ssh://git@git.example:22/m.git", "ssh://git@git.example:22/m.git", Transport.SSH),
        ("git@git.example:acme/m.git", "git@git.example:acme/m.git", Transport.SSH),
        ("git.example:acme/m.git", "git.example:acme/m.git", Transport.SSH),
    ],
)
def test_rule_23_https_and_ssh_are_allowed(text: str, url: str, transport: Transport) -> None:
    address = parse_address(text, allow_local=False)

    assert (address.url, address.transport, address.path) == (url, transport, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-oProxyCommand=touch /tmp/x",
        "--upload-pack=touch",
        "ext::sh -c touch% /tmp/x",
        "fd::17",
        "::https://git.example/m",
        "git://git.example/m",
        "ftp://git.example/m",
        "http://git.example/m",
        "http://localhost.evil.example/m",
        "ssh://-oProxyCommand=x/m",
        "ssh://-l@git.example/m",
        "-l@git.example:m",
        "git@-oProxyCommand=x:m",
        "git@git.example:-m",
        "user:secret@git.example:m",
        "https:///m",
        "https://git.example",
        "https://git.example/",
        "https://git.example/m?x=1",
        "https://git.example/m#x",
        "https://git.example:99999/m",
        "https://git example/m",
        "https://git.example/m\n",
        "https://git.example/\x1b[31m",
        "https://git.example/" + "m" * 2000,
        "ext:://x",
    ],
)
def test_rule_23_everything_else_is_refused_even_where_places_on_this_machine_are_allowed(
    text: str,
) -> None:
    with pytest.raises(UsageError) as refused:
        parse_address(text, allow_local=True)

    assert refused.value.message.isprintable()
    assert refused.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "/srv/m.git",
        "./m.git",
        "../m.git",
        "m.git",
        "~/m.git",
        "file:///srv/m.git",
        "http://127.0.0.1:8080/m",
        "http://localhost/m",
        "http://[::1]:80/m",
    ],
)
def test_rule_23_places_on_this_machine_need_the_setting(text: str) -> None:
    with pytest.raises(UsageError, match=r"not allowed here|in clear"):
        parse_address(text, allow_local=False)

    assert parse_address(text, allow_local=True).transport in {Transport.FILE, Transport.HTTP}


def test_a_relative_path_starts_where_it_was_said(tmp_path: Path) -> None:
    address = parse_address("../m x.git", allow_local=True, base=tmp_path / "clone")

    assert address.path == tmp_path.resolve() / "m x.git"
    assert address.url.endswith("/m%20x.git")
    assert str(address) == str(address.path)


@pytest.mark.parametrize(
    "text",
    [
        "https://ann:s3cret@git.example/m",
        "https://ann:s3/cr@et@git.example/m",
        "ssh://ann:s3cret@git.example/m",
        "https://s3cret@git.example/m?x",
        "ann:s3cret@git.example:m",
        "https://ann:s3cret\n@git.example/m",
    ],
)
def test_rule_30_a_refusal_repeats_no_password(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_address(text, allow_local=False)

    assert "s3" not in refused.value.message + refused.value.hint


def test_rule_30_a_token_in_the_place_of_a_user_goes_nowhere() -> None:
    address = parse_address("https://ghp_s3cret@git.example/m", allow_local=False)

    assert "s3cret" not in address.url + str(address) + repr(address)


def test_rule_30_a_credential_is_sent_to_its_host_only_and_never_printed() -> None:
    credential = HttpsCredential(Given("test", "s3cret"))
    address = parse_address("https://git.example:8443/acme/m.git", allow_local=False)

    ((key, value),) = credential.config(address)

    assert key == "http.https://git.example:8443/.extraHeader"
    assert value == "Authorization: Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0"
    assert credential.config(parse_address("git@git.example:m", allow_local=False)) == ()
    assert "s3cret" not in repr(credential)
