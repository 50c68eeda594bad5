"""Moving lists: other systems' exports in, our own out."""
