"""Productions of topologies, in memory."""

from pathlib import Path

from netwright.production.production import Production, prepare
from netwright.write.layout import Wanted, lay_out


def prepare_text(text: str, folder: Path) -> Production | None:
    """The production of a topology, None if it has errors; it is written to topology.yaml in the folder."""
    (folder / "topology.yaml").write_text(text, encoding="utf-8", newline="")
    production, _ = prepare(str(folder / "topology.yaml"))
    return production


def lay_out_nodes(production: Production) -> dict[str, Wanted]:
    """Every file of a production by path below OUT."""
    laid_out = {node: lay_out(production.build(node)) for node in production.nodes}
    return {f"{node}/{path}": file for node, files in laid_out.items() for path, file in files.items()}
