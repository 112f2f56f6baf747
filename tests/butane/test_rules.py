"""Each rule of Butane and Ignition: a document that breaks it, and where it is told."""

import pytest

from gen.butane import transpile
from gen.source import Source, format_path

HEADER = "variant: flatcar\nversion: {}\n"

BROKEN = {
    # Files, directories, links
    "path-missing": ("storage: {files: [{mode: 0644}]}", ["error 3:19 storage.files[0].path"]),
    "path-relative": ("storage: {files: [{path: a}]}", ["error 3:26 storage.files[0].path"]),
    "path-two-slashes": ("storage: {directories: [{path: //a}]}", ["error 3:32 storage.directories[0].path"]),
    "path-dots": ("storage: {links: [{path: /a/.., target: b}]}", ["error 3:26 storage.links[0].path"]),
    "mode-too-big": (
        "storage: {files: [{path: /a, mode: 010000}]}",
        ["error 3:36 storage.files[0].mode"],
    ),
    "mode-negative": (
        "storage: {files: [{path: /a, mode: -1}]}",
        ["error 3:36 storage.files[0].mode", "warning 3:36 storage.files[0].mode"],
    ),
    "mode-decimal": ("storage: {files: [{path: /a, mode: 644}]}", ["warning 3:36 storage.files[0].mode"] * 2),
    "mode-decimal-directory": (
        "storage: {directories: [{path: /a, mode: 755}]}",
        ["warning 3:42 storage.directories[0].mode"] * 2,
    ),
    "mode-sticky": ("storage: {directories: [{path: /a, mode: 01777}]}", ["warning 3:42 storage.directories[0].mode"]),
    "owner-twice": (
        "storage: {links: [{path: /a, target: b, group: {id: 0, name: root}}]}",
        ["error 3:48 storage.links[0].group"],
    ),
    "overwrite-nothing": (
        "storage: {files: [{path: /a, overwrite: true, contents: {}}]}",
        ["error 3:41 storage.files[0].overwrite"],
    ),
    "link-without-target": ("storage: {links: [{path: /a}]}", ["error 3:19 storage.links[0].target"]),
    "file-below-link": (
        "storage:\n  links: [{path: /a, target: b}]\n  files: [{path: /a/b}]",
        ["error 5:11 storage.files[0]"],
    ),
    "directory-below-link": (
        "storage:\n  links: [{path: /a, target: b}]\n  directories: [{path: /a/b}]",
        ["error 5:17 storage.directories[0]"],
    ),
    "link-below-link": (
        "storage: {links: [{path: /a, target: b}, {path: /a/b/c, target: b}]}",
        ["error 3:42 storage.links[1]"],
    ),
    "hard-link-to-directory": (
        "storage:\n  links: [{path: /a, target: /d, hard: true}]\n  directories: [{path: /d}]",
        ["error 4:11 storage.links[0]"],
    ),
    "hard-link-with-owner": (
        "storage: {links: [{path: /a, target: /d, hard: true, user: {id: 1}, group: {name: g}}]}",
        ["warning 3:65 storage.links[0].user.id", "warning 3:83 storage.links[0].group.name"],
    ),
    "directory-and-file": (
        "storage:\n  files: [{path: /a}]\n  directories: [{path: /a}]",
        ["error 4:11 storage.files[0]"],
    ),
    "file-and-unit": (
        "storage: {files: [{path: /etc/systemd/system/a.service}]}\n"
        "systemd: {units: [{name: a.service, contents: '[Unit]'}]}",
        ["error 3:26 storage.files[0].path"],
    ),
    "link-and-dropin": (
        "storage: {links: [{path: /etc/systemd/system/a.service.d/b.conf, target: c}]}\n"
        "systemd: {units: [{name: a.service, dropins: [{name: b.conf, contents: '[Unit]'}]}]}",
        ["error 3:26 storage.links[0].path"],
    ),
    # Resources
    "local-and-source": (
        "storage: {files: [{path: /a, contents: {local: a, source: 'data:,'}}]}",
        ["error 3:59 storage.files[0].contents.source"],
    ),
    "unknown-scheme": (
        "storage: {files: [{path: /a, contents: {source: ftp://x/y}}]}",
        ["error 3:49 storage.files[0].contents.source"],
    ),
    "no-scheme": (
        "storage: {files: [{path: /a, contents: {source: /etc/x}}]}",
        ["error 3:49 storage.files[0].contents.source"],
    ),
    "bad-escape": (
        "storage: {files: [{path: /a, contents: {source: 'https://x/%zz'}}]}",
        ["error 3:49 storage.files[0].contents.source"],
    ),
    "bad-host": (
        "storage: {files: [{path: /a, contents: {source: 'https://x y/'}}]}",
        ["error 3:49 storage.files[0].contents.source"],
    ),
    "bad-port": (
        "storage: {files: [{path: /a, contents: {source: 'https://x:y/'}}]}",
        ["error 3:49 storage.files[0].contents.source"],
    ),
    "empty-object-version": (
        "storage: {files: [{path: /a, contents: {source: 's3://b/k?versionId='}}]}",
        ["error 3:49 storage.files[0].contents.source"],
    ),
    "data-with-space": (
        "storage: {files: [{path: /a, contents: {source: 'data:,a b'}}]}",
        ["error 3:49 storage.files[0].contents.source"],
    ),
    "data-not-base64": (
        "storage: {files: [{path: /a, contents: {source: 'data:;base64,a'}}]}",
        ["error 3:49 storage.files[0].contents.source"],
    ),
    "hash-without-source": (
        f"storage: {{files: [{{path: /a, contents: {{verification: {{hash: sha256-{'0' * 64}}}}}}}]}}",
        ["error 3:62 storage.files[0].contents.verification.hash"],
    ),
    "hash-too-short": (
        "storage: {files: [{path: /a, contents: {source: 'data:,', verification: {hash: sha512-00}}}]}",
        ["error 3:80 storage.files[0].contents.verification.hash"],
    ),
    "hash-without-function": (
        "storage: {files: [{path: /a, contents: {source: 'data:,', verification: {hash: '00'}}}]}",
        ["error 3:80 storage.files[0].contents.verification.hash"],
    ),
    "headers-to-data": (
        "storage: {files: [{path: /a, contents: {inline: x, http_headers: [{name: a, value: b}]}}]}",
        ["error 3:66 storage.files[0].contents.http_headers"],
    ),
    "header-without-name": (
        "storage: {files: [{path: /a, contents: {source: 'http://x', http_headers: [{value: b}]}}]}",
        ["error 3:76 storage.files[0].contents.http_headers[0].name"],
    ),
    "header-with-empty-value": (
        "storage: {files: [{path: /a, contents: {source: 'http://x', http_headers: [{name: a, value: ''}]}}]}",
        ["error 3:93 storage.files[0].contents.http_headers[0].value"],
    ),
    "header-twice": (
        "storage: {files: [{path: /a, contents: {source: 'http://x', http_headers: [{name: a}, {name: a}]}}]}",
        ["error 3:87 storage.files[0].contents.http_headers[1]"],
    ),
    "append-bad-compression": (
        "storage: {files: [{path: /a, append: [{inline: x, compression: xz}]}]}",
        ["error 3:64 storage.files[0].append[0].compression"],
    ),
    # Ignition's own section
    "merge-nothing": ("ignition: {config: {merge: [{}]}}", ["error 3:29 ignition.config.merge[0]"]),
    "authority-without-source": (
        "ignition: {security: {tls: {certificate_authorities: [{compression: gzip}]}}}",
        ["error 3:55 ignition.security.tls.certificate_authorities[0]"],
    ),
    "authority-twice": (
        "ignition: {security: {tls: {certificate_authorities: [{inline: a}, {inline: a}]}}}",
        ["error 3:68 ignition.security.tls.certificate_authorities[1]"],
    ),
    "proxy-not-http": ("ignition: {proxy: {http_proxy: socks5://x}}", ["error 3:32 ignition.proxy.http_proxy"]),
    "proxy-in-plain": ("ignition: {proxy: {https_proxy: http://x}}", ["warning 3:33 ignition.proxy.https_proxy"]),
    "no-proxy-twice": ("ignition: {proxy: {no_proxy: [a, a]}}", ["error 3:34 ignition.proxy.no_proxy[1]"]),
    "embedded-other-version": (
        """ignition: {config: {merge: [{inline: '{"ignition": {"version": "3.1.0"}}'}]}}""",
        ["warning 3:38 ignition.config.merge[0].inline"],
    ),
    "embedded-without-version": (
        """ignition: {config: {replace: {inline: '{}'}}}""",
        ["error 3:39 ignition.config.replace.inline"],
    ),
    "embedded-invalid": (
        """ignition: {config: {merge: [{inline: '{"ignition": {"version": "3.3.0"}, "storage": {"files": """
        """[{"path": "a"}]}}'}]}}""",
        ["error 3:38 ignition.config.merge[0].inline"],
    ),
    "embedded-wrong-type": (
        """ignition: {config: {merge: [{inline: '{"ignition": {"version": "3.3.0"}, "storage": []}'}]}}""",
        ["error 3:38 ignition.config.merge[0].inline"],
    ),
    "embedded-other-version-and-wrong-type": (
        """ignition: {config: {merge: [{inline: '{"ignition": {"version": "3.1.0"}, "storage": []}'}]}}""",
        ["error 3:38 ignition.config.merge[0].inline"],
    ),
    # Disks
    "disk-without-device": ("storage: {disks: [{wipe_table: true}]}", ["error 3:19 storage.disks[0].device"]),
    "partition-number-twice": (
        "storage: {disks: [{device: /dev/a, partitions: [{number: 1}, {number: 1}]}]}",
        ["error 3:62 storage.disks[0].partitions[1]"],
    ),
    "partition-label-twice": (
        "storage: {disks: [{device: /dev/a, partitions: [{number: 1, label: a}, {number: 2, label: a}]}]}",
        ["error 3:72 storage.disks[0].partitions[1]"],
    ),
    "partitions-overlap": (
        "storage: {disks: [{device: /dev/a, partitions: [{number: 1, start_mib: 1, size_mib: 10},"
        " {number: 2, start_mib: 10, size_mib: 1}]}]}",
        ["error 3:90 storage.disks[0].partitions[1]"],
    ),
    "partition-without-name": (
        "storage: {disks: [{device: /dev/a, partitions: [{size_mib: 1}]}]}",
        ["error 3:49 storage.disks[0].partitions[0]"],
    ),
    "partition-gone-but-described": (
        "storage: {disks: [{device: /dev/a, partitions: [{number: 1, should_exist: false, size_mib: 0}]}]}",
        ["error 3:49 storage.disks[0].partitions[0]"],
    ),
    "partition-label-too-long": (
        f"storage: {{disks: [{{device: /dev/a, partitions: [{{label: {'é' * 19}}}]}}]}}",
        ["error 3:57 storage.disks[0].partitions[0].label"],
    ),
    "partition-label-with-colon": (
        "storage: {disks: [{device: /dev/a, partitions: [{label: 'a:b'}]}]}",
        ["error 3:57 storage.disks[0].partitions[0].label"],
    ),
    "partition-guid": (
        "storage: {disks: [{device: /dev/a, partitions: [{number: 1, guid: x, type_guid: y}]}]}",
        ["error 3:67 storage.disks[0].partitions[0].guid", "error 3:81 storage.disks[0].partitions[0].type_guid"],
    ),
    "filesystem-without-device": (
        "storage: {filesystems: [{format: ext4}]}",
        ["error 3:25 storage.filesystems[0].device"],
    ),
    "filesystem-format": (
        "storage: {filesystems: [{device: /dev/a, format: ext3}]}",
        ["error 3:50 storage.filesystems[0].format"],
    ),
    "filesystem-without-format": (
        "storage: {filesystems: [{device: /dev/a, path: /srv, label: a}]}",
        ["error 3:25 storage.filesystems[0].format", "error 3:61 storage.filesystems[0].label"],
    ),
    "filesystem-label-too-long": (
        "storage: {filesystems: [{device: /dev/a, format: xfs, label: abcdefghijklm}]}",
        ["error 3:62 storage.filesystems[0].label"],
    ),
    "filesystem-path": (
        "storage: {filesystems: [{device: /dev/a, format: xfs, path: srv}]}",
        ["error 3:61 storage.filesystems[0].path"],
    ),
    "filesystem-mount-unit-without-format": (
        "storage: {filesystems: [{device: /dev/a, with_mount_unit: true}]}",
        ["error 3:25 storage.filesystems[0].format"],
    ),
    "filesystem-on-partitioned-disk": (
        "storage:\n  disks: [{device: /dev/a, partitions: [{number: 1}]}]\n  filesystems: [{device: /dev/a, format: xfs}]",
        ["warning 5:26 storage.filesystems[0].device"],
    ),
    "filesystem-wiped-with-the-disk": (
        "storage:\n  disks: [{device: /dev/a, wipe_table: true}]\n  filesystems: [{device: /dev/a, format: xfs}]",
        ["warning 5:26 storage.filesystems[0].device"],
    ),
    "two-mount-units-of-one-name": (
        "storage:\n  filesystems:\n"
        "    - {device: /dev/a, format: xfs, path: /srv, with_mount_unit: true}\n"
        "    - {device: /dev/b, format: xfs, path: /srv, with_mount_unit: true}\n",
        ["error 6:66 storage.filesystems[1].with_mount_unit"],
    ),
    "raid-without-all": (
        "storage: {raid: [{name: a}]}",
        ["error 3:18 storage.raid[0].devices", "error 3:18 storage.raid[0].level"],
    ),
    "raid-level": (
        "storage: {raid: [{name: a, level: raid7, devices: [/dev/a]}]}",
        ["error 3:35 storage.raid[0].level"],
    ),
    "raid-spares": (
        "storage: {raid: [{name: a, level: stripe, devices: [/dev/a], spares: 1}]}",
        ["error 3:35 storage.raid[0].level"],
    ),
    "raid-device": (
        "storage: {raid: [{name: a, level: raid1, devices: [a, /dev/b, /dev/b]}]}",
        ["error 3:52 storage.raid[0].devices[0]", "error 3:63 storage.raid[0].devices[2]"],
    ),
    "luks-all": (
        f"storage: {{luks: [{{name: a/b, label: {'a' * 48}}}]}}",
        ["error 3:18 storage.luks[0].device", "error 3:25 storage.luks[0].name", "error 3:37 storage.luks[0].label"],
    ),
    "luks-clevis-says-nothing-but-false": (
        "storage: {luks: [{name: a, device: /dev/a, clevis: {tpm2: false}}]}",
        ["error 3:52 storage.luks[0].clevis"],
    ),
    # Units, users, kernel arguments
    "unit-without-name": ("systemd: {units: [{enabled: true}]}", ["error 3:19 systemd.units[0].name"]),
    "unit-of-networkd": ("systemd: {units: [{name: a.network}]}", ["error 3:26 systemd.units[0].name"]),
    "unit-garbage-after-section": (
        "systemd: {units: [{name: a.service, contents: '[Unit] x'}]}",
        ["error 3:47 systemd.units[0].contents"],
    ),
    "unit-line-without-equals": (
        'systemd: {units: [{name: a.service, contents: "[Unit]\\nAfter\\n"}]}',
        ["error 3:47 systemd.units[0].contents"],
    ),
    "unit-line-too-long": (
        f'systemd: {{units: [{{name: a.service, contents: "[Unit]\\nDescription={"a" * 2100}\\n"}}]}}',
        ["error 3:47 systemd.units[0].contents"],
    ),
    "dropin-syntax": (
        "systemd: {units: [{name: a.service, dropins: [{name: a.conf, contents: '[Unit'}]}]}",
        ["error 3:72 systemd.units[0].dropins[0].contents"],
    ),
    "dropin-twice": (
        "systemd: {units: [{name: a.service, dropins: [{name: a.conf}, {name: a.conf}]}]}",
        ["error 3:63 systemd.units[0].dropins[1]"],
    ),
    "install-section-is-empty": (
        'systemd: {units: [{name: a.service, enabled: true, contents: "[Install]\\n"}]}',
        ["warning 3:62 systemd.units[0].contents"],
    ),
    "template-without-install": (
        "systemd: {units: [{name: a@.service, contents: '[Unit]'}, {name: a@b.service, enabled: true}]}",
        ["warning 3:59 systemd.units[1].contents"],
    ),
    "user-twice": ("passwd: {users: [{name: a}, {name: a}]}", ["error 3:29 passwd.users[1]"]),
    "user-keys-twice": (
        "passwd: {users: [{name: a, ssh_authorized_keys: [k, k]}]}",
        ["error 3:53 passwd.users[0].ssh_authorized_keys[1]"],
    ),
    "group-twice": ("passwd: {groups: [{name: a}, {name: a}]}", ["error 3:30 passwd.groups[1]"]),
    "kernel-argument-in-both-lists": (
        "kernel_arguments: {should_exist: [a], should_not_exist: [a]}",
        ["error 3:58 kernel_arguments.should_not_exist[0]"],
    ),
    # The document itself
    "unknown-key": ("storage: {file: []}", ["warning 3:11 storage.file"]),
    "nothing-where-a-mapping-belongs": ("storage:", ["warning 3:9 storage"]),
    "text-for-a-list": ("systemd: {units: a.service}", ["error 3:18 systemd.units"]),
    "mapping-for-text": ("systemd: {units: [{name: {a: b}}]}", ["error 3:26 systemd.units[0].name"]),
    "list-for-a-number": ("passwd: {users: [{name: a, uid: [1]}]}", ["error 3:33 passwd.users[0].uid"]),
    "number-beyond-64-bits": ("passwd: {users: [{name: a, uid: 9223372036854775808}]}", ["error 3:33 passwd.users[0].uid"]),
    "several-wrong-types": (
        "passwd: {users: [{name: a, uid: x, system: y y}]}",
        ["error 3:33 passwd.users[0].uid", "error 3:44 passwd.users[0].system"],
    ),
}  # fmt: skip


def _found(body: str, version: str) -> list[str]:
    body = body.replace("3.3.0", "3.4.0") if version == "1.1.0" else body
    result = transpile(Source(name="a.bu", text=HEADER.format(version) + body))
    shown = []
    for finding in result.report.findings():
        assert finding.position is not None
        place = f"{finding.position.line}:{finding.position.column}"
        shown.append(f"{finding.diagnostic.severity} {place} {format_path(finding.diagnostic.path)}")
    assert (result.ignition is None) == any(line.startswith("error") for line in shown)
    return shown


@pytest.mark.parametrize(("body", "expected"), BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_broken_rule_is_told_where_it_is_broken(body: str, expected: list[str], version: str) -> None:
    found = _found(body, version)

    assert found == expected


PASSING = {
    "no-clevis": "storage: {luks: [{name: a, device: /dev/a, clevis: {custom: {}}}]}",
    "partitions-side-by-side": (
        "storage: {disks: [{device: /dev/a, partitions: [{number: 1, start_mib: 1, size_mib: 9},"
        " {number: 2, start_mib: 10, size_mib: 0}]}]}"
    ),
    "partition-anywhere": (
        "storage: {disks: [{device: /dev/a, partitions: [{number: 1, start_mib: 0, size_mib: 9}, {label: a}]}]}"
    ),
    "same-option-twice": "storage: {filesystems: [{device: /dev/a, format: xfs, options: [a, a], mount_options: [b, b]}]}",
    "same-contents-appended-twice": "storage: {files: [{path: /a, append: [{inline: x}, {inline: x}]}]}",
    "header-removed": "storage: {files: [{path: /a, contents: {source: 'http://x', http_headers: [{name: a}]}}]}",
    "hard-link": "storage: {links: [{path: /a, target: /b, hard: true}]}",
    "data-url-forms": (
        "storage: {files: [{path: /a, append: [{source: 'data:,a%20b'}, {source: 'data:text/plain;charset=\"a b\",x'},"
        " {source: 'data:x-a/b;base64,QQ=='}, {source: 'data:image/png;a=b;base64,'}, {source: 'tftp://[::1]:69/x'},"
        " {source: 'gs://b/k'}, {source: 's3://b/k?versionId=1'}, {source: ''}]}]}"
    ),
    "unit-continued-line": 'systemd: {units: [{name: a.service, contents: "x\\n[Unit]\\nAfter=a \\\\\\n b\\n;c \\\\\\n\\n"}]}',
    "unit-long-line-continued": (
        f'systemd: {{units: [{{name: a.service, contents: "[Unit]\\nAfter={"a" * 1500} \\\\\\n{"b" * 1500}\\n"}}]}}'
    ),
    "enabled-without-contents": "systemd: {units: [{name: a.service, enabled: true}]}",
    "user-without-name": "passwd: {users: [{uid: 1}]}",
}


@pytest.mark.parametrize("body", PASSING.values(), ids=PASSING.keys())
def test_unbroken_rule_says_nothing(body: str) -> None:
    assert _found(body, "1.0.0") == []


ARNS = {
    "bucket": ("arn:aws:s3:::bucket/key", True),
    "access-point": ("arn:aws:s3:us-west-1:123456789012:accesspoint/point/object/key", True),
    "no-key": ("arn:aws:s3:::bucket", False),
    "other-service": ("arn:aws:ec2:::bucket/key", False),
    "too-short": ("arn:aws:s3", False),
    "empty-version": ("arn:aws:s3:::bucket/key?versionId=", False),
}


@pytest.mark.parametrize(("arn", "valid"), ARNS.values(), ids=ARNS.keys())
def test_s3_arns_are_known_since_1_1_0(arn: str, valid: bool) -> None:
    body = f"storage: {{files: [{{path: /a, contents: {{source: '{arn}'}}}}]}}"

    assert _found(body, "1.0.0") == ["error 3:49 storage.files[0].contents.source"]
    assert _found(body, "1.1.0") == ([] if valid else ["error 3:49 storage.files[0].contents.source"])
