"""Where a repository is: the whitelist of addresses and their printable form (rules 23, 30)."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from reconciler.core.text import clean
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.ports import Credential

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_SCP = re.compile(r"(?:([^@/:]+)@)?([^@/:]+|\[[^]]*\]):(?!:)(.+)")
_BEFORE_HOST = re.compile(r"^([A-Za-z0-9+.-]*:[:/]+)?.*@", re.DOTALL)  # a password may hold an '@'
_LONGEST = 2000

ALLOWED = "give an https:// or ssh:// address, or git@host:path"


class Transport(StrEnum):
    """The protocols git may speak, by git's own names (`protocol.<name>.allow`)."""

    HTTPS = "https"
    SSH = "ssh"
    HTTP = "http"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address. `url` goes to git, `str()` to people; neither holds a credential.

    `path` is set for a repository on this machine.
    """

    url: str
    transport: Transport
    path: Path | None = None

    def __str__(self) -> str:
        return clean(self.url if self.path is None else str(self.path))


@dataclass(frozen=True, slots=True)
class HttpsCredential:
    """A token for https. Forges take any user name beside a personal token; some want theirs."""

    token: Credential
    user: str = "x-access-token"

    def config(self, address: Address) -> tuple[tuple[str, str], ...]:
        """Return the git setting that sends the token, as it is now, to this host and no other.

        Raises: UsageError where there is no token.
        """
        if address.transport not in {Transport.HTTPS, Transport.HTTP}:
            return ()
        parts = urlsplit(address.url)
        pair = f"{self.user}:{self.token.current().reveal()}".encode()
        host = f"{parts.scheme}://{parts.netloc}/"
        header = f"Authorization: Basic {base64.b64encode(pair).decode('ascii')}"
        return ((f"http.{host}.extraHeader", header),)


def parse_address(text: str, *, allow_local: bool, base: Path | None = None) -> Address:
    """Return the address that a setting or a person's argument names.

    `allow_local` lets a path, `file:` and `http:` to a loopback address through; `base` is where
    a relative path starts.

    Raises:
        UsageError: not on the whitelist, or with a password in it. The message repeats no secret.
    """
    if not text or len(text) > _LONGEST or not text.isprintable() or text.startswith("-"):
        raise _refused(text, "is no address of a git repository", ALLOWED)
    if scheme := _SCHEME.match(text):
        return _from_url(text, scheme[1].lower(), allow_local=allow_local)
    if _HELPER.match(text):
        raise _refused(text, "would start a helper program, which is never allowed", ALLOWED)
    if text[0] not in "./~" and (scp := _SCP.fullmatch(text)):
        user, host, path = scp.groups()
        odd = path[0] == "-" or "@" in path  # user:password@host:path would end up here
        if odd or not _HOST.fullmatch(host) or (user and not _USER.fullmatch(user)):
            raise _refused(text, "is no address of a git repository", ALLOWED)
        return Address(text, Transport.SSH)
    return _local(Path(text), text, base, allow_local=allow_local)


def _from_url(text: str, scheme: str, *, allow_local: bool) -> Address:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _refused(text, "is no address of a git repository", ALLOWED) from error
    if parts.password is not None:
        hint = "take the credential out of the address and give it by RECONCILER_GIT__TOKEN"
        raise _refused(text, "holds a password", hint)
    if parts.query or parts.fragment:
        raise _refused(text, "has a '?' or '#' in it", ALLOWED)
    match scheme:
        case "file":
            if parts.netloc not in {"", "localhost"}:
                raise _refused(text, "names a host, which file: cannot reach", ALLOWED)
            return _local(Path(unquote(parts.path)), text, None, allow_local=allow_local)
        case "https" | "http" | "ssh":
            host, _, _ = parts.netloc.rpartition("@")[2].partition(":")
            if parts.netloc.rpartition("@")[2].startswith("["):
                host = f"[{parts.hostname}]"
            if not _HOST.fullmatch(host) or parts.path in {"", "/"}:
                raise _refused(text, "names no host or no repository", ALLOWED)
        case _:
            hint = f"{ALLOWED}; '{clean(scheme, 20)}:' is not allowed"
            raise _refused(text, "is not on the list of allowed addresses", hint)
    where = host if port is None else f"{host}:{port}"
    if scheme == "ssh":
        user = parts.username
        if user is not None and not _USER.fullmatch(user):
            raise _refused(text, "names no user that ssh would take", ALLOWED)
        who = f"{user}@" if user else ""
        return Address(f"ssh://{who}{where}{parts.path}", Transport.SSH)
    # A user name alone is dropped: some people put a token there, and we never ask for a password.
    if scheme == "http" and not (allow_local and _is_loopback(parts.hostname or "")):
        hint = "use https://; http:// to a loopback address needs RECONCILER_GIT__ALLOW_LOCAL=true"
        raise _refused(text, "would send everything in clear", hint)
    return Address(f"{scheme}://{where}{parts.path}", Transport(scheme))


def _local(path: Path, text: str, base: Path | None, *, allow_local: bool) -> Address:
    if not allow_local:
        hint = f"{ALLOWED}; a local path needs --repo PATH, or RECONCILER_GIT__ALLOW_LOCAL=true"
        raise _refused(text, "is a place on this machine, which is not allowed here", hint)
    try:
        whole = ((base or Path.cwd()) / path.expanduser()).resolve()
    except (OSError, RuntimeError) as error:
        raise _refused(text, "is no path on this machine", "check the spelling") from error
    return Address(f"file://{quote(bytes(whole))}", Transport.FILE, whole)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refused(text: str, reason: str, hint: str) -> UsageError:
    shown = clean(_BEFORE_HOST.sub(r"\1", text), 120)
    return UsageError(f"'{shown}' {reason}; nothing was read or changed", hint=hint)
