"""From a topology, or from edited files of OUT, to the verdict: the commands as a user runs them."""
