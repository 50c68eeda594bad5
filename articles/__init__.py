"""Articles: what the community's writers publish, and the ways readers find it."""
