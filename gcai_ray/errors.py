"""The errors a person can mend. The command line prints their one message and exits with
`exit_code`; other errors are ours.
"""


class GcaiError(Exception):
    """Base of every error with a message for the user; `exit_code` is what the command returns."""

    exit_code = 1


class ConfigError(GcaiError, ValueError):
    """A configuration that cannot be used: unknown key, value of the wrong type, missing file of
    the config.
    """

    exit_code = 2


class InputError(GcaiError, ValueError):
    """A user's file that cannot be used as a whole: missing, empty, wrong delimiter, missing
    column.
    """

    exit_code = 2


class ArtifactError(GcaiError, ValueError):
    """An artifact that cannot be read: no manifest, damaged part, written by another version."""

    exit_code = 2


class StorageError(GcaiError, OSError):
    """The place artifacts are written to failed: no permission, disk full, lost race for a "
    "commit."""


class StageError(GcaiError, RuntimeError):
    """A stage that ran and whose result cannot stand, for example because every row was "
    "rejected."""


class EngineError(GcaiError, RuntimeError):
    """An engine that cannot answer at all: not reachable, key refused, cannot start, stalled."""


class RepliesPending(GcaiError):
    """Questions are written to batch files; their replies are still to be brought back."""

    exit_code = 3
