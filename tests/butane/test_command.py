"""The command `netwright butane`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netwright.commands.butane import COMPARED_WITH, LARGEST_DOCUMENT, butane

VALID = "variant: flatcar\nversion: 1.0.0\n"
WARNED = VALID + "storage: {file: []}\n"
INVALID = VALID + "storage: {files: [{path: a}]}\n"
COMPILED = '{"ignition":{"version":"3.3.0"}}\n'


def _run(*arguments: str, text: str = VALID) -> Result:
    return CliRunner().invoke(butane, arguments, input=text)


@pytest.mark.parametrize("arguments", [(), ("-",), ("--strict",), ("-s", "-r", "--raw-errors", "-")])
def test_standard_input_goes_to_standard_output(arguments: tuple[str, ...]) -> None:
    result = _run(*arguments)

    assert (result.exit_code, result.stdout, result.stderr) == (0, COMPILED, "")


def test_pretty_indents() -> None:
    assert _run("--pretty").stdout == '{\n  "ignition": {\n    "version": "3.3.0"\n  }\n}\n'


def test_warnings_go_to_standard_error() -> None:
    result = _run(text=WARNED)

    assert result.exit_code == 0
    assert result.stdout == COMPILED
    assert result.stderr == (
        "<stdin>:3:11: warning: storage.file: the key file is unknown in version 1.0.0 and has no effect; "
        "did you mean files? [key_is_known]\n    3 | storage: {file: []}\n      |           ^\n"
    )


def test_strict_fails_on_warnings(tmp_path: Path) -> None:
    result = _run("--strict", "-o", str(tmp_path / "a.ign"), text=WARNED)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "warnings are errors with --strict; nothing was written" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_check_writes_nothing(tmp_path: Path) -> None:
    result = _run("--check", "-o", str(tmp_path / "a.ign"))

    assert (result.exit_code, result.stdout) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_errors_write_nothing_and_fail(tmp_path: Path) -> None:
    output = tmp_path / "a.ign"
    output.write_text("before")

    result = _run("-o", str(output), text=INVALID)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "<stdin>:3:26: error: storage.files[0].path: a is not absolute" in result.stderr
    assert output.read_text() == "before"


def test_findings_come_as_json_too() -> None:
    result = _run("--format", "json", text=INVALID)

    [finding] = json.loads(result.stderr)["findings"]
    assert (finding["line"], finding["column"], finding["path"]) == (3, 26, "storage.files[0].path")


@pytest.mark.parametrize("arguments", [("--unknown",), ("a", "b"), ("--format", "xml")])
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    assert _run(*arguments).exit_code == 2


def test_a_missing_file_is_told() -> None:
    result = _run("none.bu")

    assert result.exit_code == 1
    assert result.stderr == "netwright butane: none.bu can't be read: No such file or directory\n"


def test_output_is_written_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    output = tmp_path / "a.ign"
    output.write_text("before")
    output.chmod(0o640)

    result = _run("-o", str(output))

    assert result.exit_code == 0
    assert output.read_text() == COMPILED
    assert output.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [output]


def test_new_output_has_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)

    _run("-o", str(tmp_path / "a.ign"))
    os.umask(before)

    assert (tmp_path / "a.ign").stat().st_mode & 0o777 == 0o640


def test_output_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "a.ign").symlink_to("real.ign")

    _run("-o", str(tmp_path / "a.ign"))

    assert (tmp_path / "a.ign").is_symlink()
    assert (tmp_path / "real.ign").read_text() == COMPILED


def test_output_to_a_device_leaves_the_device(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    result = _run("-o", str(pipe))

    assert result.exit_code == 0
    assert os.read(reader, 1000).decode() == COMPILED
    assert pipe.is_fifo()
    os.close(reader)


def test_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    result = _run("-o", str(tmp_path / "none" / "a.ign"))

    assert result.exit_code == 1
    assert "can't be written: No such file or directory" in result.stderr


def test_files_dir_is_where_local_files_are(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")

    result = _run("-d", str(tmp_path), text=VALID + "storage: {files: [{path: /a, contents: {local: a}}]}\n")

    assert result.exit_code == 0
    assert '"source":"data:,x"' in result.stdout


@pytest.mark.parametrize(
    ("local", "status"), [("contents: {local: .env}", 1), ("contents: {local: sub/key.pem}", 1), ("mode: 0644", 0)]
)
def test_what_git_ignores_is_not_taken(tmp_path: Path, local: str, status: int) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text(".env\n*.pem\n")
    (tmp_path / "sub").mkdir()
    for name in (".env", "sub/key.pem"):
        (tmp_path / name).write_text("secret\n")

    result = _run("-d", str(tmp_path), text=f"{VALID}storage: {{files: [{{path: /a, {local}}}]}}\n")
    tree = _run("-d", str(tmp_path), text=f"{VALID}storage: {{trees: [{{local: sub}}]}}\n")

    assert result.exit_code == status
    assert tree.exit_code == 1
    assert "is ignored by git (.gitignore:2: *.pem), as secrets are" in tree.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_tells_the_encoding(encoding: str) -> None:
    text = VALID if encoding == "utf-8-sig" else "\ufeff" + VALID

    result = CliRunner().invoke(butane, [], input=text.encode(encoding))

    assert result.stdout == COMPILED


def test_help_shows_an_example() -> None:
    assert "netwright butane --strict -d rootfs master1.bu" in _run("--help").stdout


@pytest.mark.parametrize("file", ["/dev/zero", "-", None])
def test_an_endless_input_is_refused(file: str | None) -> None:
    result = _run(*([file] if file else []), text="#" * (LARGEST_DOCUMENT + 1))

    name = "/dev/zero" if file == "/dev/zero" else "<stdin>"
    assert result.exit_code == 1
    assert result.stderr == (f"netwright butane: {name} is larger than 16 MiB, the most that is read as one document\n")


def test_the_largest_input_is_read() -> None:
    assert _run(text=VALID + "#" * (LARGEST_DOCUMENT - len(VALID))).exit_code == 0


@pytest.mark.parametrize("flag", ["-V", "--version", "--version=true"])
def test_the_version_names_the_butane_that_it_stands_in_for(flag: str) -> None:
    result = _run(flag)

    assert (result.exit_code, result.stdout.startswith(f"Butane v{COMPARED_WITH} ")) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--strict=true"], 1),
        (["--strict=false"], 0),
        (["-s=1"], 1),
        (["--strict", "--strict=F"], 0),
        (["--strict=yes"], 2),
        (["--color", "-"], 0),
        (["--colour=never"], 0),
        (["--color=purple"], 2),
        (["-ps"], 1),
        (["-ps=false"], 0),
        (["-sp", "-cs=0"], 0),
        (["-s=false", "-s"], 1),
        (["-s="], 2),
        (["-s=x"], 2),
        (["--strict="], 2),
        (["--strict", "true"], 1),
        (["-px"], 2),
        (["-pd=.", "-"], 0),
        (["-pd", ".", "-"], 0),
        (["-pd."], 0),
        (["-o"], 2),
        (["-d"], 2),
        (["-pd"], 2),
        (["--output"], 2),
        (["-V=false"], 0),
        (["-hV"], 0),
        (["---strict"], 2),
        (["--input="], 0),
        (["--input=", "-"], 0),
        ([""], 0),
        (["-o", ""], 0),
        (["--", "-s"], 1),
        (["-", "-s"], 1),
    ],
    ids=str,
)
def test_flags_take_values_as_in_go(arguments: list[str], status: int) -> None:
    assert _run(*arguments, text=WARNED).exit_code == status


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["-o", "--strict=true"], "--strict=true"),
        (["--output", "-s"], "-s"),
        (["-po", "--color"], "--color"),
        (["-o=--"], "--"),
        (["-o="], "="),
        (["-co=x", "-c=false"], "x"),
        (["-osp"], "sp"),
        (["--output=a=b"], "a=b"),
        (["-o", "a", "-ob"], "b"),
    ],
    ids=str,
)
def test_the_value_of_an_option_is_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)

    result = _run(*arguments, text=WARNED)

    assert (result.exit_code, [file.name for file in tmp_path.iterdir()]) == (0, [name]), result.stderr


def test_colour_can_be_asked_for_and_refused() -> None:
    asked, refused = (
        CliRunner().invoke(butane, [one], input=WARNED, color=True) for one in ("--color", "--color=never")
    )

    assert "\x1b[" in asked.stderr
    assert "\x1b[" not in refused.stderr


def test_the_file_may_be_named_by_the_old_option(tmp_path: Path) -> None:
    (tmp_path / "a.bu").write_text(VALID)

    result = _run("--input", str(tmp_path / "a.bu"))
    both = _run("--input", str(tmp_path / "a.bu"), str(tmp_path / "a.bu"))

    assert (result.exit_code, result.stdout) == (0, COMPILED)
    assert "--input has been deprecated" in result.stderr
    assert both.exit_code == 2


def test_raw_errors_are_a_line_each() -> None:
    result = _run("--raw-errors", text=INVALID)

    assert result.stderr == "error at $.storage.files.0.path, line 3 col 26: a is not absolute; begin it with /\n"


def test_debug_says_where_fields_come_from() -> None:
    result = _run("-D", text=VALID + "systemd: {units: [{name: a.service, enabled: true, contents: '[Install]'}]}\n")

    assert "TranslationSet: yaml \u2192 json\n" in result.stderr
    assert "$.systemd.units.0.enabled \u2192 $.systemd.units.0.enabled\n" in result.stderr


def test_an_empty_files_dir_is_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    text = VALID + "storage: {files: [{path: /a, contents: {local: a}}]}\n"

    assert _run("-d", "", text=text).exit_code == 1
    assert _run(f"-d={tmp_path}", text=text).exit_code == 0


@pytest.mark.parametrize("target", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_the_output_may_be_a_pipe(target: str) -> None:
    words = [sys.executable, "-m", "netwright", "butane", "-o", target]

    run = subprocess.run(words, input=VALID, capture_output=True, text=True, check=True)

    assert run.stdout == COMPILED


def test_the_library_loads_nothing_that_only_the_rest_needs() -> None:
    code = "import sys, netwright.butane; print(sorted({'click', 'jinja2', 'netaddr'} & set(sys.modules)))"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout == "[]\n"


def test_inline_butane_compiles_to_the_same(tmp_path: Path) -> None:
    (tmp_path / "tree/below").mkdir(parents=True)
    (tmp_path / "tree/below/program").write_bytes(b"\xff\x00 no text\n")
    (tmp_path / "tree/below/program").chmod(0o755)
    (tmp_path / "unit").write_text("[Unit]\nDescription=ours\n")
    text = VALID.replace("1.0.0", "1.1.0") + (
        "storage: {files: [{path: /a, contents: {local: unit}}], trees: [{local: tree, path: /opt}]}\n"
        "systemd: {units: [{name: a.service, contents_local: unit}]}\n"
    )

    inline = _run("--inline", "-d", str(tmp_path), text=text)
    direct = _run("-d", str(tmp_path), text=text)

    assert (inline.exit_code, inline.stderr) == (0, "")
    assert "local" not in inline.stdout
    assert _run(text=inline.stdout).stdout == direct.stdout
    assert json.loads(direct.stdout)["storage"]["files"]


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_inline_butane_keeps_its_version(version: str) -> None:
    assert _run("--inline", text=VALID.replace("1.0.0", version)).stdout == VALID.replace("1.0.0", version)


def test_inline_needs_the_files_directory() -> None:
    result = _run("--inline", text=VALID + "storage: {files: [{path: /a, contents: {local: a}}]}\n")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "give one with -d/--files-dir" in result.stderr
