"""The treasurer's desk, and what editors write about drives."""

from donations.admin import drives, gifts, records, words

__all__ = ["drives", "gifts", "records", "words"]
