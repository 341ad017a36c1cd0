"""What documents mean for people: who may do what, why, what changes, and what looks wrong. Computes only; reads and writes nothing."""
