"""Settings by place: dev (the demo on one machine), test, prod; base holds what they share."""
