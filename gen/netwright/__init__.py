"""netwright: one topology file in, the network configuration of every machine of a cluster out."""

import resource

__version__ = "0.1.0"
INTERRUPTED = 130
"""Exit status after an interrupt: 128 and SIGINT's number, as shells have it."""
NOT_ENOUGH_MEMORY = "there is not enough memory; allow more of it (ulimit -v), or split the topology"
"""Stands where it is loaded in any case."""


def lacks_memory(error: BaseException) -> bool:
    """Return whether the error is one of too little memory, which the loader of libraries only says in words."""
    if isinstance(error, ImportError):
        return "failed to map segment" in str(error) or "allocate memory" in str(error)
    if isinstance(error, SystemError):  # what C code ends with that got no memory and does not say so
        return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
    return isinstance(error, MemoryError) or getattr(error, "errno", None) == 12  # ENOMEM
