"""The forms in which reference managers take studies."""
