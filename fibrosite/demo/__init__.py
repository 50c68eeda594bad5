"""The whole site on one machine: what `make run` starts, and the mailbox its letters land in."""
