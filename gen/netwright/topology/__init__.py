"""The topology with its names resolved: addresses, segments, next hops."""
