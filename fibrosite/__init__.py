"""The wiring: settings, URLs, Celery and the checks that hold the apps together.

Imports nothing, so that the programs that start the site stay small.
"""
