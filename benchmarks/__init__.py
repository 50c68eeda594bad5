"""What measures speed, memory and loss on the whole running site."""
