"""Drives, gifts, and the one ledger behind every number."""
