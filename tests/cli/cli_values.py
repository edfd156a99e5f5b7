"""Plans made by hand, friendly and hostile."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.core.gate import Gate, GateName
from reconciler.core.plan import Action, Kind, Plan, Reason

COMMIT = "4f0e6c1d2b3a49585f6e7d8c9b0a1f2e3d4c5b6a"
READ_AT = datetime(2026, 11, 20, 11, 31, 2, tzinfo=UTC)

HOSTILE = (
    "\x1b[31m\x1b]0;title\x07",
    "a\nb\r\nc\x00",
    "[red]bold[/red] :boom:",
    "a|b\\|c\\\\|d`e``f",
    "<script>alert(1)</script><!-- x",
    "@everyone #1 https://evil.example www.evil.example ![x](y) [a](b)",
    "\u202eevil\u2066 \ufeff",
    "x" * 5000,
)


def plan_and_gates() -> tuple[Plan, tuple[Gate, ...]]:
    """Return a plan with everything a plan can show."""
    actions = (
        Action("bonus-api", Kind.IGNORE, Reason.HELD, "1.0.0", "1.1.0", "CHG-1301"),
        Action("games", Kind.IGNORE, Reason.IN_SYNC, "7.0.0", "7.0.0"),
        Action("ledger", Kind.IGNORE, Reason.IN_SYNC, "3.0.0", "3.0.0"),
        Action("lobby-ui", Kind.DOWNGRADE, Reason.NEW_PIN, "3.1.0", "3.0.0", wave=1),
        Action("old-job", Kind.IGNORE, Reason.UNMANAGED, "0.9", None, "runs here, pinned nowhere"),
        Action("wallet-api", Kind.UPGRADE, Reason.NEW_PIN, "2.4.0", "2.4.1", wave=1),
        Action(
            "wallet-db",
            Kind.REDEPLOY,
            Reason.REDEPLOY,
            "1.10",
            "1.10",
            "the redeploy counter was raised",
            redeploy=2,
            wave=1,
        ),
        Action(
            "wallet-ui",
            Kind.UPGRADE,
            Reason.NOT_DEPLOYED,
            None,
            "5.2.0",
            wave=2,
            waits_for=("wallet-api",),
        ),
    )
    gates = (
        Gate(
            "lobby-ui",
            GateName.IN_FLIGHT,
            "ServerTasks-9 Deploy Lobby UI is Executing",
            "ServerTasks-9 ends",
        ),
        Gate(
            "",
            GateName.ACCEPT,
            "first contact with this environment",
            "`reconciler accept production-uk` after a look at this plan",
        ),
    )
    return Plan("production-uk", COMMIT, READ_AT, actions), gates


def hostile_plan() -> tuple[Plan, tuple[Gate, ...]]:
    """Return a plan in which every foreign text is hostile."""
    words = " ".join(text[:60] for text in HOSTILE)
    action = Action(words, Kind.DOWNGRADE, Reason.NEW_PIN, words, words, words, wave=1)
    gate = Gate(words, GateName.PERMISSION, words, words)
    return Plan(words, COMMIT, READ_AT, (action,)), (gate,)
