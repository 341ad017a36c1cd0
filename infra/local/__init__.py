"""The local stack: the real templates in an emulator on this machine (`python -m infra.local`)."""
