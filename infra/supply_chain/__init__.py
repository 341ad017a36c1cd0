"""What the zips are made of, and what is known against it."""
