"""Files and the system below the rest: the cache, git, resources of the installation, what is written whole."""
