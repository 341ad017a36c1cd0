"""`python -m admin_api.cli` is the `gatebook` command."""

from admin_api.cli.main import main

main()
