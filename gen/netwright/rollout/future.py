"""The files that the topology generates now, in a directory of their own."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from netwright.production.production import Production
from netwright.write.layout import lay_out


@contextmanager
def generated(production: Production, nodes: Iterable[str]) -> Iterator[Path]:
    """A directory with the folders of some nodes as generate would write them."""
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        for node in nodes:
            for path, wanted in lay_out(production.build(node)).items():
                file = Path(folder, node, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(wanted.content)
        yield Path(folder)
