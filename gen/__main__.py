"""The command netwright, also as `python -m gen`."""

import sys


def main() -> None:
    """Run the command line; --version answers without loading anything."""
    if sys.argv[1:] == ["--version"]:
        from gen import __version__  # noqa: PLC0415 (the quick way out)

        print(f"netwright {__version__}")
        return
    try:
        from gen.cli import netwright  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.exit(130)
    netwright(prog_name="netwright")


if __name__ == "__main__":
    main()
