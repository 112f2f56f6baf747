"""Files -> facts: what is delivered to each machine, and what of it configures and runs."""
