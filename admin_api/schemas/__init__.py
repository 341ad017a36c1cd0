"""One vocabulary for programs: the bodies of the admin API and what the command prints with `--json`."""
