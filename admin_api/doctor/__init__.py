"""Looks at a deployed API, its authorizer and its table, and names what is wrong with its remedy. One check a file, each a function of what was read."""
