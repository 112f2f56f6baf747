"""Values of the proof: addresses, facts with their origin, packets, nftables rules, wiring."""
