"""Keys made for this session only; nothing here signs anything outside of the tests."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from signing_values import write_key

from reconciler.signing import SigningKey, SpaceSigner, load_or_make_key


@dataclass
class StillClock:
    """A clock that stands until it is turned."""

    moment: datetime = datetime(2026, 11, 20, 11, 31, 2, 123456, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture(scope="session")
def rsa_key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return load_or_make_key(tmp_path_factory.mktemp("rsa"), "prod", StillClock())


@pytest.fixture(scope="session")
def ec_key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    state_dir = tmp_path_factory.mktemp("ec")
    write_key(state_dir / "keys" / "prod.key.pem", ec.generate_private_key(ec.SECP256R1()))
    return load_or_make_key(state_dir, "prod", StillClock())


@pytest.fixture(params=["rsa", "ec"])
def signer(request: pytest.FixtureRequest) -> SpaceSigner:
    return SpaceSigner(request.getfixturevalue(f"{request.param}_key"))
