"""The core: what permissions mean and how a decision is written as an IAM policy.

Pure: standard library only, no clock, no environment, no network, no logger. Time comes in as the argument `now`.
"""
