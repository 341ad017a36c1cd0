"""Plans, writes, looks back and goes back: the one door to what is published."""
