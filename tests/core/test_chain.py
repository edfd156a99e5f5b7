"""Gaps, forks and wrong predecessors of a chain of receipts are told, one line each."""

from dataclasses import dataclass

from reconciler.core.chain import chain_problems


@dataclass(frozen=True, slots=True)
class Place:
    sequence: int
    digest: str = ""
    project: str = "wallet-api"
    environment: str = "production-uk"
    tenant: str | None = None

    @property
    def path(self) -> str:
        return f"receipts/{self.project}/{self.sequence}{self.digest}"


def test_a_whole_chain_has_no_problem() -> None:
    links = [Place(2), Place(1), Place(3), Place(1, project="ledger"), Place(1, tenant="Tenants-1")]

    assert chain_problems(links) == ()
    assert chain_problems([]) == ()


def test_gaps_are_told() -> None:
    links = [Place(3), Place(5), Place(9), Place(2, tenant="Tenants-1")]

    assert chain_problems(links) == (
        "gap: receipts 1 to 2 of wallet-api in production-uk are missing",
        "gap: receipt 4 of wallet-api in production-uk is missing",
        "gap: receipts 6 to 8 of wallet-api in production-uk are missing",
        "gap: receipt 1 of wallet-api in production-uk for Tenants-1 is missing",
    )


def test_a_fork_is_told_and_the_same_receipt_twice_is_none() -> None:
    links = [Place(1, "a"), Place(1, "b"), Place(1, "a"), Place(2)]

    assert chain_problems(links) == (
        "fork: 2 receipts are number 1 of wallet-api in production-uk: "
        "receipts/wallet-api/1a, receipts/wallet-api/1b",
    )


def test_a_receipt_must_name_the_one_before_it() -> None:
    links = [Place(1, "a"), Place(2, "b"), Place(3, "c"), Place(5, "e")]
    good = {links[0].path: None, links[1].path: "a", links[2].path: "b", links[3].path: "d"}
    gap = ("gap: receipt 4 of wallet-api in production-uk is missing",)

    assert chain_problems(links, good) == gap
    for path, wrong in ((links[0].path, "z"), (links[1].path, None), (links[2].path, "a")):
        (*_, problem) = chain_problems(links, good | {path: wrong})
        assert problem.startswith("broken: receipt ")
        assert problem.endswith(path)


def test_rule_52_hostile_names_are_shown_safely() -> None:
    links = [Place(2, "\x1b[2J\n", project="\x1b]0;owned\x07", tenant="\u202e"), Place(2, "b")]

    assert all(problem.isprintable() for problem in chain_problems(links))
