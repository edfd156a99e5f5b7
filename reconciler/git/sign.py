"""Commits of ours under an SSH signature, where the settings name a key (rule 28)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import GitTrouble
from reconciler.git.signatures import KEYGEN, check_tools
from reconciler.git.trouble import git_words

if TYPE_CHECKING:
    from reconciler.git.mirror import Mirror


def signed(mirror: Mirror, commit: str) -> str:
    """Return the hash of the same commit with a signature; itself where no key is configured.

    Fast-import does not sign, so the commit is made once more by commit-tree, which does.

    Raises: GitTrouble (the key cannot be used, or a tool is missing); nothing was pushed.
    """
    key = mirror.signing_key
    if key is None:
        return commit
    check_tools()
    content = mirror.local("cat-file", "commit", commit).out
    head, _, message = content.partition(b"\n\n")
    facts = [line.split(" ", 1) for line in head.decode("utf-8", "surrogateescape").split("\n")]
    parents = [part for name, value in facts if name == "parent" for part in ("-p", value)]
    said = dict(facts)
    variables = (*_person("AUTHOR", said["author"]), *_person("COMMITTER", said["committer"]))
    answer = mirror.local(
        *("commit-tree", "-S", *parents, "-F", "-", said["tree"]),
        stdin=message,
        ok=range(256),
        config=(
            ("gpg.format", "ssh"),
            ("gpg.ssh.program", KEYGEN),
            ("user.signingkey", str(key.absolute())),
        ),
        variables=variables,
    )
    if answer.status != 0:
        raise GitTrouble(
            f"our commit could not be signed; nothing was pushed ({git_words(answer)})",
            hint="give the setting git.signing_key an SSH key without a passphrase that this user "
            "may read, or a public key whose private one is in ssh-agent",
        )
    return answer.text()


def _person(role: str, said: str) -> tuple[tuple[str, str], ...]:
    """Return who and when of a commit, as git takes them: `Name <email> seconds zone`."""
    name, _, rest = said.partition(" <")
    email, _, when = rest.partition("> ")
    return (
        (f"GIT_{role}_NAME", name),
        (f"GIT_{role}_EMAIL", email),
        (f"GIT_{role}_DATE", f"@{when}"),
    )
