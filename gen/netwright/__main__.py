"""The command netwright, also as `python -m netwright`."""

import contextlib
import gc
import io
import os
import sys

from netwright import INTERRUPTED, NOT_ENOUGH_MEMORY, lacks_memory


def main() -> None:
    """Run the command line; --version answers without loading anything. No traceback is ever printed."""
    gc.disable()  # all that a run makes lives to its end: looking for garbage takes a third of reading 10,000 nodes
    try:
        if sys.argv[1:] == ["--version"]:
            sys.exit(_print_version())
        from netwright.commands.main import netwright  # noqa: PLC0415 (loaded only now)

        if sys.stdout is None:
            sys.stdout = _closed_stream()
        netwright(prog_name="netwright")
    except SystemExit as end:
        _leave(end)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BaseException as error:
        _report(error)


def _report(error: BaseException) -> None:
    """End with a word on what was not foreseen: what can't be printed, a fault of the machine, a mistake of ours."""
    try:
        if isinstance(error, OSError) and _is_printing(error):
            from netwright.commands.printing import fail_to_print  # noqa: PLC0415 (needed now only)

            fail_to_print(error)
        from netwright.commands.internal_error import (  # noqa: PLC0415 (needed now only)
            INTERNAL_ERROR,
            describe_internal_error,
            explain_fault,
        )
        from netwright.commands.printing import fail  # noqa: PLC0415 (needed now only)

        if (reason := explain_fault(error)) is not None:
            fail(reason)
        fail(describe_internal_error(error), INTERNAL_ERROR)
    except Exception as another:  # what is needed for it can't be loaded or has no memory
        if lacks_memory(error) or lacks_memory(another):
            _write_plainly(f"netwright: {NOT_ENOUGH_MEMORY}\n")
            os._exit(2)
        _write_plainly(f"netwright: internal error ({type(error).__name__}), please report it\n")
        os._exit(70)


def _write_plainly(text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, text.encode())


def _closed_stream() -> io.TextIOWrapper:
    """A stream for a standard output that was closed: what is written to it fails as on any that can't be written."""
    return os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")


def _is_printing(error: OSError) -> bool:
    """Return whether click met the error as it printed; the help, for one, is printed by click alone."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_globals.get("__name__") == "click.utils"


def _leave(end: SystemExit) -> None:
    """End the process at once; what can't be written that way ends as Python ends.

    Python would first take apart all that it holds: 40 ms of the 200 that a run of 13 nodes takes, 200 of 10,000's.
    """
    if not isinstance(end.code, int):
        raise end
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (OSError, ValueError, AttributeError):  # AttributeError: there is no stream where its descriptor is closed
        raise end from None
    os._exit(end.code)


def _print_version() -> int:
    """The exit status of --version. Nothing is buffered: what fails at exit can't be caught."""
    from netwright import __version__  # noqa: PLC0415 (the quick way out)

    try:
        os.write(1, f"netwright {__version__}\n".encode())
    except BrokenPipeError:
        return 1
    except OSError as error:
        from netwright.commands.printing import fail_to_print  # noqa: PLC0415

        fail_to_print(error)
    return 0


if __name__ == "__main__":
    main()
