"""Reads what a team already has, route definitions and permissions of other tools, and makes a permission document of it."""
