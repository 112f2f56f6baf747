"""The servers that a machine asks for names and for the time, and whom it gives the time to itself."""

from msgspec import Struct

from netwright.verify.reading.formats.name_servers import NameSource, Shown, read_name_sources
from netwright.verify.reading.formats.time_servers import TimeAccess, TimeSource, read_time_access, read_time_sources


class Asking(Struct, frozen=True, kw_only=True):
    """`names` are name servers, `times` servers of time, `access` who may ask chronyd, in the order of its files."""

    names: tuple[NameSource, ...] = ()
    times: tuple[TimeSource, ...] = ()
    access: tuple[TimeAccess, ...] = ()


def read_asking(files: Shown) -> Asking:
    """Return what delivered files say of it."""
    return Asking(names=read_name_sources(files), times=read_time_sources(files), access=read_time_access(files))
