"""Sentences of the product that nothing in the simulator earns."""

__all__ = ["NOT_SAID"]

_ALWAYS = "there always is one"
_NEVER_ASKED = "nobody else's server is asked"
_ALWAYS_GOOD = "those of the library are good"
_NO_LIMIT = "the licence limits nothing"
_NO_LOGINS = "there are no external logins"
_NOT_FOUND = "a 404 of the kind"
_OTHERWISE = "other sentences say it"
_UNKNOWN = "nothing public tells when it is said"
NOT_SAID = {
    "A lifecycle has not been assigned to this project.": _ALWAYS,
    "A user with a matching external login already exists.": _NO_LOGINS,
    "Action Template is invalid.": _ALWAYS_GOOD,
    "Action rejected.": _UNKNOWN,
    "Action template not valid.": _ALWAYS_GOOD,
    "Artifact content supports GET and PUT methods only.": _OTHERWISE,
    "BadRequest": _UNKNOWN,
    "Changes to these variables could not be saved, because your available environment scopes "
    "changed while you were editing the variables. Please reload or open a new tab to make your "
    "changes.": "what one may not see stays as it is",
    "Converting a project with variables scoped to processes or deployment steps to version "
    "control is not supported.": "it is converted all the same",
    "Dynamic Worker API Error": _NEVER_ASKED,
    "Failed to find the default machine policy (Octopus needs this to exist as a fallback policy "
    "for machines).": _ALWAYS,
    "Index refers to an invalid defect.": "defects are resolved without an index",
    "Invalid package specified.": _NOT_FOUND,
    "License is not compliant.": _NO_LIMIT,
    "MethodNotAllowed": _OTHERWISE,
    "Model is invalid.": _OTHERWISE,
    "No Feed Id was specified.": "packages of step templates are kept as written",
    "Only custom templates can be directly updated": "there are no others",
    "Package was not found in the index of the built-in package repository.": _NOT_FOUND,
    "Package was not found on disk, although metadata was found in the built-in package "
    "repository index. This could mean that the file was manually deleted from disk after being "
    "indexed.": _ALWAYS,
    "Please re-enter the password when changing the repository URL or username.": _NEVER_ASKED,
    "Request has bad data": _UNKNOWN,
    "Request failed. Please check Details property for more information.": _OTHERWISE,
    "The following Feed Ids cannot be found: {ids}": "packages of step templates are kept as "
    "written",
    "The project ID or deployment settings don't exist": _NOT_FOUND,
    "The release `{0}` currently contains deployments with step(s) {1} that would be skipped due "
    "to the updated channel. Please select a different channel or delete and recreate this "
    "release.": "a release may change its channel",
    "The version control settings were not valid": _NEVER_ASKED,
    "There was a controlled failure.": _UNKNOWN,
    "Unable to convert project to version control via modify": "such fields are left as they are",
    "Unable to convert project to version control: it is already a version controlled": _OTHERWISE,
    "Unable to convert project to version control: project type not supported": _UNKNOWN,
    "Unable to modify project: connection to the repository failed": _NEVER_ASKED,
    "Validation Failed": _OTHERWISE,
    "Validation failed.": _OTHERWISE,
    "Variable set only scoped to owner.": _UNKNOWN,
    "Variable validation failed.": _OTHERWISE,
    "You cannot add multiple logins for the same identity provider.": _NO_LOGINS,
    "You cannot create another space. This will exceed the limits of your current license. Please "
    "contact sales@octopus.com to upgrade your license.": _NO_LIMIT,
    "You cannot use this license. Attempting to use it would make this server "
    "non-compliant.": _NO_LIMIT,
}
"""Sentences of the description that nothing here earns, with the reason."""
