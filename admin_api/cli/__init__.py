"""The `gatebook` command."""
