"""What says what a publication is: registers on the net, and files of reference managers.

Each module reads one form and returns `Record`s; only `fetching` speaks to the net.
"""
