"""Changes of the topology that repair a failed flow, each generated and verified before it is suggested."""
