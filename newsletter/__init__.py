"""Sign-up, digests and their delivery."""
