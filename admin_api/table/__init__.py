"""The permission table as the control plane writes it and looks back through it."""
