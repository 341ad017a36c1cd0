"""How a deployment that does not go on ends."""

FAILED, USAGE, CONFLICT, TROUBLE, INTERRUPTED = 1, 2, 3, 4, 130
"""Exit codes: the deployment failed, the call or the file is wrong, somebody else is at work, AWS does not answer as it must, Ctrl-C."""


class DeployError(Exception):
    """A deployment stops here. The message says why and what to do, `exit_code` what the command ends with."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
