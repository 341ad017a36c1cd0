"""Measurements in pairs, by hand: ratios to what is measured beside them in the same run."""
