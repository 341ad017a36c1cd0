"""Settles on an account of one's own what no AWS document says: a stack of small APIs whose authorizer answers as each question orders, and what came of it."""
