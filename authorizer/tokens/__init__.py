"""Access tokens: claims, an issuer's keys, and the check that joins them."""
