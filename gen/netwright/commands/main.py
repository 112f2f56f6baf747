"""The command line: the group of all commands."""

import click

from netwright import __version__
from netwright.commands.group import NetwrightGroup


@click.group(cls=NetwrightGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="netwright %(version)s")
def netwright() -> None:
    """Write the network configuration of a cluster's machines from one topology.

    \b
    netwright init            start a topology.yaml
    netwright generate        write out/ from it
    netwright diff            what a change of the topology would change in out/
    netwright check           in CI: is out/ up to date with the topology?
    netwright verify          prove from out/ that every flow works

    TOPOLOGY may be - for standard input; its files lie in the current folder.

    Exit status: 0 fine or nothing differs, 1 something differs, 2 bad input or usage, 70 an internal error, 130
    interrupted.
    """
