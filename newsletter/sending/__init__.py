"""Sending a digest: batches, what a worker holds of one, and the ways to a mail server."""
