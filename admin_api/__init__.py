"""The control plane: who may change what, and who did."""
