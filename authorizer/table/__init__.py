"""The permission table as the data plane reads it."""
