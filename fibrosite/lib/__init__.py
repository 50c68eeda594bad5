"""Leaf helpers that any app may import. They import no app."""
