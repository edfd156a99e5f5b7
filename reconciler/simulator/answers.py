"""What a handler gives back: an answer, or a refusal with Octopus' error body."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Answer", "Refused", "created", "missing"]

_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: a JSON value (or ready bytes with their type), a status and headers."""

    body: object
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = field(default=())


class Refused(Exception):
    """The request is refused; carries the status and the body's `ErrorMessage` and `Errors`.

    Some clients show only `Errors` when a failure carries it, so the sentence stands there too. A
    404 has no `Errors`: the same clients tell it by that (Octopus' Go client, `APIErrorChecker`).
    """

    def __init__(
        self,
        status: int,
        message: str,
        errors: tuple[str, ...] | None = None,
        *,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.headers = headers
        self.status = status
        self.message = message
        self.errors = (message,) if errors is None else errors

    def answer(self) -> Answer:
        """Return the refusal as an answer with the error body of the product."""
        body: dict[str, object] = {"ErrorMessage": self.message}
        if self.status != _NOT_FOUND:
            body["Errors"] = list(self.errors)
        body |= {
            "ParsedHelpLinks": [],
            "HelpText": None,
            "HelpLink": None,
            "Details": None,
            "FullException": None,
        }
        return Answer(body, self.status, headers=self.headers)


def created(body: object) -> Answer:
    """Return the 201 that every create gives."""
    return Answer(body, 201)


def missing(kind: str) -> Refused:
    """Return the 404 with the product's sentence for one kind of resource."""
    return Refused(_NOT_FOUND, f"The {kind} doesn't exist.")
