"""One credential towards one server: once refused it is silent, until it is another (rule 31)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import CredentialRefused

if TYPE_CHECKING:
    from reconciler.core.secret import Secret
    from reconciler.ports import Credential

UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Refusal:
    """Under which key a server said no, and what it said."""

    key: Secret
    message: str
    hint: str

    def error(self) -> CredentialRefused:
        """Return what to raise, now and in place of every later request under that key."""
        return CredentialRefused(self.message, hint=self.hint)


class ServerKey:
    """A credential as one server takes it; shared by all clients that use it there.

    A 401 speaks of the credential itself, so it silences all of them. What the user behind it may
    not see (403) differs by space, and is each client's own.
    """

    def __init__(self, credential: Credential) -> None:
        self._credential = credential
        self._refusal: Refusal | None = None

    def usable(self, *refusals: Refusal | None) -> Secret:
        """Return the key as it is now.

        Raises:
            CredentialRefused: this very key was refused, here or by one of `refusals`.
            UsageError: there is none.
        """
        key = self._credential.current()
        for refusal in (self._refusal, *refusals):
            if refusal is not None and refusal.key is key:
                raise refusal.error()
        return key

    def refused(self, key: Secret, said: str, status: int) -> Refusal:
        """Note that a server refused this key: `said` is where and in which words."""
        where = self._credential.name
        message = f"{said}. This key, of {where}, is not used there again until it changes."
        if status == UNAUTHORIZED:
            hint = f"put a valid key there ({where}); Octopus' keys expire, by default in 180 days"
        else:
            hint = (
                "give this key's user the permission in Octopus, then run the command again or "
                f"restart the daemon; or put another user's key there ({where})"
            )
        refusal = Refusal(key, message, hint)
        if status == UNAUTHORIZED:
            self._refusal = refusal
        return refusal
