"""How fast netwright is, as ratios against references measured in the same run. `python -m benchmarks` prints them."""
