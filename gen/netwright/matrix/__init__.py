"""Who reaches whom, as values and as pictures."""
