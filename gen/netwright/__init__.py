"""netwright: one topology file in, the network configuration of every machine of a cluster out."""

__version__ = "0.1.0"
INTERRUPTED = 130
"""Exit status after an interrupt: 128 and SIGINT's number, as shells have it."""
NOT_ENOUGH_MEMORY = "there is not enough memory; allow more of it (ulimit -v), or split the topology"
"""Stands where it is loaded in any case."""


def lacks_memory(error: BaseException) -> bool:
    """Return whether the error is one of too little memory, which the loader of libraries only says in words."""
    if isinstance(error, ImportError):
        return "failed to map segment" in str(error) or "allocate memory" in str(error)
    return isinstance(error, MemoryError) or getattr(error, "errno", None) == 12  # ENOMEM
