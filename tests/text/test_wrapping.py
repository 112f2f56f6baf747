"""Long lines on a terminal."""

import pytest

from netwright.text.wrapping import wrap


def test_what_fits_stays() -> None:
    assert wrap("one two\n", 40) == "one two\n"


def test_a_long_line_is_broken_at_blanks_and_indented() -> None:
    text = "  - " + "word " * 20

    lines = wrap(text.rstrip() + "\n", 40).splitlines()

    assert max(map(len, lines)) <= 40
    assert all(line.startswith("      ") for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == text.strip()


def test_colours_take_no_column() -> None:
    text = f"\x1b[31m{'a' * 30}\x1b[0m bbbb\n"

    assert wrap(text, 40) == text


def test_a_word_longer_than_a_line_stays_whole() -> None:
    assert wrap(f"at {'x' * 60}:7 of it\n", 40) == f"at\n    {'x' * 60}:7\n    of it\n"


@pytest.mark.parametrize("line", [f"   12 | {'a ' * 40}b", f"lan     {'a ' * 20}b     proved    {'c ' * 20}d"])
def test_lines_of_files_and_rows_of_tables_stay(line: str) -> None:
    assert wrap(f"{line}\n", 40) == f"{line}\n"


def test_a_narrow_terminal_breaks_for_itself() -> None:
    assert wrap("a " * 40, 20) == "a " * 40
