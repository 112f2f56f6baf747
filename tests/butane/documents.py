"""Butane documents made up by hypothesis: valid ones, of every section of the specification."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Document = dict[str, Any]

_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\x00")
TEXT = st.text(_CHARACTERS, max_size=60) | st.sampled_from(
    [
        "",
        "a\n",
        "a",
        "\n",
        "a\n\nb\n",
        " a\n",
        "a \n",
        "\ta\n",
        "a\r\n",
        "yes",
        "~",
        "0644",
        "- a: b # c",
        "%41",
        "\x85\u2028\ufeff",
    ]
)
_NAME = st.text(st.characters(codec="utf-8", exclude_characters="\x00/"), min_size=1, max_size=12)
_WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=12)
_MODE = st.sampled_from([0, 0o400, 0o444, 0o600, 0o640, 0o644, 0o700, 0o755, 0o777])
_NUMBER = st.integers(0, 60_000)
_OWNER = st.fixed_dictionaries({}, optional={"id": _NUMBER})
_HASH = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256-{}".format)
_UNIT = st.lists(_WORD, max_size=3).map(
    lambda words: "[Unit]\n" + "".join(f"Description={word}\n" for word in words) + "[Install]\nWantedBy=a.target\n"
)


def _optional(**fields: SearchStrategy[Any]) -> SearchStrategy[Document]:
    return st.fixed_dictionaries({}, optional=fields)


def _with(required: dict[str, SearchStrategy[Any]], **fields: SearchStrategy[Any]) -> SearchStrategy[Document]:
    return st.fixed_dictionaries(required, optional=fields)


_INLINE = _with({"inline": TEXT}, compression=st.just(""))
_FETCHED = _with(
    {"source": _WORD.map("https://example.com/{}".format)},
    compression=st.sampled_from(["", "gzip"]),
    verification=_optional(hash=_HASH),
    http_headers=st.lists(_with({"name": _WORD, "value": _WORD}), unique_by=lambda header: header["name"], max_size=2),
)
_RESOURCE = _INLINE | _FETCHED | st.just({"source": "data:text/plain;base64,AAAA"})


def _unique(field: str, entries: SearchStrategy[Document], size: int = 3) -> SearchStrategy[list[Document]]:
    return st.lists(entries, unique_by=lambda entry: str(entry[field]), max_size=size)


@st.composite
def nodes(draw: st.DrawFn, contents: SearchStrategy[Document] = _INLINE) -> Document:
    """The part `storage` with files, directories and links whose paths do not get in each other's way."""
    names = draw(st.lists(_NAME.filter(lambda name: name not in {".", ".."}), max_size=6))
    storage: Document = {"files": [], "directories": [], "links": []}
    for index, name in enumerate(names):
        kind = draw(st.sampled_from(["files", "directories", "links"]))
        node: Document = {"path": f"/{index % 2}/{index}{name}"}
        node |= draw(_optional(user=_OWNER, group=_OWNER))
        if kind == "files":
            node |= draw(_optional(mode=_MODE, contents=contents, append=st.lists(contents, max_size=2)))
            if "contents" in node and draw(st.booleans()):
                node["overwrite"] = True
        elif kind == "directories":
            node |= draw(_optional(mode=_MODE))
        else:
            node |= {"target": draw(_NAME)} | draw(_optional(hard=st.just(False)))
        storage[kind].append(node)
    return storage


@st.composite
def units(draw: st.DrawFn) -> list[Document]:
    """Units with drop-ins, some enabled, some masked."""
    found = []
    for name in draw(st.lists(_WORD.filter(str.isalnum), unique=True, max_size=3)):
        unit: Document = {"name": f"{name}.service"} | draw(_optional(enabled=st.booleans()))
        if draw(st.booleans()):
            unit["contents"] = draw(_UNIT)
        elif draw(st.booleans()):
            unit["mask"] = True
        if "mask" not in unit:
            dropin = _with({"name": _WORD.map("{}.conf".format)}, contents=_UNIT)
            unit |= draw(_optional(dropins=_unique("name", dropin)))
        found.append(unit)
    return found


def documents_for_disk() -> SearchStrategy[Document]:
    """Documents with files, directories, links and units only: what ignition-apply can write without a network."""
    return st.fixed_dictionaries(
        {
            "variant": st.just("flatcar"),
            "version": st.just("1.0.0"),
            "storage": nodes(),
            "systemd": st.fixed_dictionaries({"units": units()}),
        }
    )


_USER = _with(
    {"name": _WORD},
    uid=_NUMBER, gecos=TEXT, home_dir=TEXT, shell=TEXT, password_hash=TEXT, primary_group=TEXT,
    groups=st.lists(_WORD, unique=True, max_size=3), ssh_authorized_keys=st.lists(TEXT, unique=True, max_size=3),
    no_create_home=st.booleans(), no_log_init=st.booleans(), no_user_group=st.booleans(),
    should_exist=st.booleans(), system=st.booleans(),
)  # fmt: skip
_GROUP = _with({"name": _WORD}, gid=_NUMBER, password_hash=TEXT, should_exist=st.booleans(), system=st.booleans())
_DEVICE = _WORD.filter(str.isalnum).map("/dev/{}".format)
_PARTITION = _with(
    {"number": st.integers(1, 100)},
    size_mib=_NUMBER, wipe_partition_entry=st.booleans(), resize=st.booleans(), should_exist=st.just(True),
    guid=st.sampled_from(["", "01234567-89AB-CDEF-EDCB-A98765432101"]),
    type_guid=st.sampled_from(["", "01234567-89ab-cdef-edcb-a98765432101"]),
)  # fmt: skip
_FILESYSTEM = _with(
    {"device": _DEVICE, "format": st.sampled_from(["ext4", "btrfs", "xfs", "vfat", "swap", "none"])},
    label=st.text("abc", max_size=8), uuid=_WORD, wipe_filesystem=st.booleans(),
    options=st.lists(_WORD, max_size=3), mount_options=st.lists(_WORD, max_size=3),
)  # fmt: skip
_LUKS = _with(
    {"name": _WORD, "device": _DEVICE},
    key_file=_RESOURCE, label=_WORD, uuid=_WORD, wipe_volume=st.booleans(), options=st.lists(_WORD, max_size=2),
)  # fmt: skip
_RAID = _with(
    {
        "name": _WORD,
        "level": st.sampled_from(["raid1", "raid5", "10"]),
        "devices": st.lists(_DEVICE, unique=True, min_size=1, max_size=3),
    },
    spares=_NUMBER,
    options=st.lists(_WORD, max_size=2),
)
_PARTITIONS = _unique("number", _PARTITION)
_KERNEL_ARGUMENTS = st.lists(_WORD, unique=True, max_size=4).map(
    lambda words: {"should_exist": words[:2], "should_not_exist": words[2:]}
)
_IGNITION = _optional(
    config=_optional(
        merge=st.lists(_FETCHED, unique_by=lambda resource: resource["source"], max_size=2), replace=_FETCHED
    ),
    proxy=_optional(
        http_proxy=_WORD.filter(str.isalnum).map("http://{}".format),
        https_proxy=_WORD.filter(str.isalnum).map("https://{}".format),
        no_proxy=st.lists(_WORD, unique=True, max_size=2),
    ),
    security=_optional(tls=_optional(certificate_authorities=_unique("source", _FETCHED, 2))),
    timeouts=_optional(http_response_headers=_NUMBER, http_total=_NUMBER),
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Valid documents of version 1.0.0, of all sections."""
    document: Document = {"variant": "flatcar", "version": "1.0.0"}
    disks = _with({"device": _DEVICE}, wipe_table=st.booleans(), partitions=_PARTITIONS)
    storage = draw(nodes(_RESOURCE)) | draw(
        _optional(
            disks=_unique("device", disks),
            filesystems=_unique("device", _FILESYSTEM),
            luks=_unique("name", _LUKS),
            raid=_unique("name", _RAID),
        )
    )
    passwd = _optional(users=_unique("name", _USER), groups=_unique("name", _GROUP))
    sections = {
        "ignition": _IGNITION,
        "kernel_arguments": _KERNEL_ARGUMENTS,
        "passwd": passwd,
        "storage": st.just(storage),
        "systemd": st.fixed_dictionaries({"units": units()}),
    }
    for name in draw(st.permutations(sorted(sections))):
        if draw(st.booleans()):
            document[name] = draw(sections[name])
    return document
