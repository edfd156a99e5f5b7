"""A value that cannot be shown by accident (rule 30)."""

from __future__ import annotations

from typing import NoReturn

MASK = "****"


class Secret:
    """Text that never prints, formats, copies or pickles; only `reveal` gives it away.

    Equality is identity: comparing contents is nobody's business here.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """Return the text itself: called where it is put on the wire, and nowhere else."""
        return self.__text

    def hide_in(self, text: str) -> str:
        """Return `text` with every occurrence of the secret masked."""
        return text.replace(self.__text, MASK) if self.__text else text

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is never copied or written down")
