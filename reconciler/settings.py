"""Settings: one frozen model from `RECONCILER_*` variables and `reconciler.toml`.

Read by `bootstrap` and `cli` only. Environment variables win over the file; a nested field is
written `RECONCILER_GIT__ALLOW_LOCAL`. Secrets are of a type that does not print.
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from reconciler.core.text import clean
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def _state_home() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "reconciler"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GitSettings(_Part):
    """How git remotes are reached."""

    allow_local: bool = Field(
        default=False,
        description="Allow a local path, file: and http: to a loopback address as remotes.",
    )
    token: SecretStr | None = Field(
        default=None, description="Token for https remotes, sent as basic authentication."
    )
    token_file: Path | None = Field(
        default=None,
        description="File of the token instead; read again when it changes, without a restart.",
    )
    timeout: float = Field(default=60.0, gt=0, description="Seconds one git command may take.")
    allowed_signers: Path | None = Field(
        default=None,
        description="File of the SSH keys (ssh-keygen's allowed signers) one of which must have "
        "signed each commit; unset: no signature is asked for.",
    )
    signing_key: Path | None = Field(
        default=None,
        description="SSH key that signs our own commits, records and edits; list it among the "
        "allowed signers, or our edits are refused as everybody's.",
    )


class OctopusSettings(_Part):
    """How Octopus servers are asked."""

    servers: str | None = Field(
        default=None,
        description="Addresses, separated by spaces, of the only servers that keys are sent to; "
        "none: any that a Space manifest names.",
    )
    connect_timeout: float = Field(default=10.0, gt=0, description="Seconds to connect.")
    read_timeout: float = Field(default=60.0, gt=0, description="Seconds to wait for bytes.")
    requests_per_minute: int | None = Field(
        default=None, gt=0, description="Request budget of a server; none by default."
    )
    slots: int | None = Field(
        default=None,
        gt=0,
        description="Deployments of ours at once on one server, at most; none: what its task cap "
        "leaves beside other people's tasks and one slot in ten for people.",
    )
    poll: float = Field(
        default=2.0,
        gt=0,
        description="Seconds between looks at running tasks, at least; up to 10 while all go on "
        "for long.",
    )
    settling: float = Field(
        default=10.0,
        gt=0,
        description="Seconds a list may lag behind a write, before absence is proof.",
    )
    silence: float = Field(
        default=600.0,
        gt=0,
        description="Seconds without a new log line after which a deployment that takes three "
        "times as long as usual is told to be silent; nothing is ended for it.",
    )


class AuditSettings(_Part):
    """Where history goes."""

    branch: str = Field(default="audit", description="The audit branch.")
    remote: str | None = Field(
        default=None, description="Another remote for it; default the manifests' own."
    )


class SigningKey(_Part):
    """A signing key made elsewhere."""

    key: Path = Field(description="PEM file of the private key, mode 0600.")
    certificate: Path = Field(description="PEM file of its certificate.")


class ServeSettings(_Part):
    """How the daemon watches."""

    listen: str = Field(
        default="127.0.0.1:8066",
        pattern=r"^[0-9A-Za-z.:\[\]-]+:[0-9]{1,5}$",
        description="Address and port of /healthz, /readyz and /status; port 0 takes a free one.",
    )
    poll: float = Field(
        default=30.0, gt=0, description="Seconds between questions to the remotes for their tips."
    )
    full_look: float = Field(
        default=300.0,
        gt=0,
        description="Seconds after which an untouched environment is compared with Octopus again.",
    )


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix="RECONCILER_",
        env_nested_delimiter="__",
        toml_file="reconciler.toml",
        frozen=True,
        extra="forbid",
    )

    repo: str | None = Field(default=None, description="The manifest repository: path or URL.")
    branch: str | None = Field(
        default=None, description="The watched branch; default the remote's HEAD."
    )
    root: str = Field(default="", description="Folder of the manifests inside the repository.")
    state_dir: Annotated[Path, AfterValidator(Path.absolute)] = Field(
        default_factory=_state_home,
        description="Mirrors, store and keys; default reconciler/ under the XDG state home.",
    )
    secrets_dir: Path | None = Field(
        default=None,
        description="Folder of the files that Space manifests name as credentials, and of the "
        "`value-` files of prompted variables.",
    )
    author: str | None = Field(
        default=None, description="Author of the edits you ask for: `Name <email>`."
    )
    edits: Literal["branch", "push"] = Field(
        default="branch",
        description="Where edits go: a new branch, or pushed to the watched branch at once.",
    )
    git: GitSettings = GitSettings()
    octopus: OctopusSettings = OctopusSettings()
    audit: AuditSettings = AuditSettings()
    serve: ServeSettings = ServeSettings()
    signing: dict[str, SigningKey] = Field(
        default_factory=dict, description="Signing keys by Space manifest; default: made at start."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what the command line says first, then variables, then the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


class _OfVariables(Settings):
    """The same without the file: where the folder is not ours to trust (rule 36)."""

    model_config = SettingsConfigDict(toml_file=None)


PREFIX = "RECONCILER_"
_ALIKE = 0.85  # share of equal letters from which on a name was meant to be a setting's


def read_settings(*, file: bool = True, **given: Any) -> Settings:
    """Read the settings; `given` are the command line's words. Raises: UsageError.

    `file` False: reconciler.toml is not read, which a checked out change could bring with it.

    A variable that is almost a setting is refused: one underscore too few in the name of the
    allowed signers would ask for no signature at all. Others with the prefix are left alone, as
    a Space manifest may name them.
    """
    _refuse_misspelt()
    try:
        kind = Settings if file else _OfVariables
        return kind(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = "__".join(str(part) for part in first["loc"]).upper()
        unknown = first["type"] == "extra_forbidden"
        wrong = "write it as ADDRESS:PORT" if where == "SERVE__LISTEN" else clean(first["msg"])
        raise UsageError(
            f"{PREFIX}{clean(where)} is no setting"
            if unknown
            else f"setting {PREFIX}{clean(where)}: {wrong}",
            hint="see docs/settings.md for what every setting takes",
        ) from None
    except ValueError as error:
        raise UsageError(
            f"reconciler.toml cannot be read: {clean(str(error))}", hint="it is TOML"
        ) from None


def _refuse_misspelt() -> None:
    known = set(_names(Settings))
    for variable in sorted(os.environ):
        name = variable.upper().removeprefix(PREFIX)
        if name in known or not variable.upper().startswith(PREFIX) or "__" in name:
            continue
        if near := get_close_matches(name, known, n=1, cutoff=_ALIKE):
            raise UsageError(
                f"variable {clean(variable, 80)} is no setting; nothing was read or changed",
                hint=f"{PREFIX}{near[0]} is one; docs/settings.md has them all",
            )


def _names(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Yield the names of settings as variables have them, without the prefix."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _names(kind, f"{before}{name.upper()}__")
        else:
            yield f"{before}{name.upper()}"
