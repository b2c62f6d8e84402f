"""Tables as spreadsheets read and write them: UTF-8 with the mark they know it by, and no text in them that they would compute."""

import csv
import io
import re

from grading.shared.files import write

# Where a spreadsheet may take what follows for a formula: at the start of a cell, which a line break or the separator of another country begins.
STARTS = r"(^|[\n\r\v\f\x85\u2028\u2029\t;])([\s'\"\u200b-\u200f\u2060\ufeff]*)"
COMPUTED, QUOTED = re.compile(STARTS + r"(?=[=+\-@＝＋－＠])"), re.compile(STARTS + r"'(?=[=+\-@＝＋－＠])")
LARGEST = 50_000_000  # bytes


def write_table(path, header, rows):
    """Write a table in one step. No text in it begins what a spreadsheet would compute."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(header)
    writer.writerows([harmless_to_spreadsheets(value) for value in row] for row in rows)
    write(path, table.getvalue().encode("utf-8-sig"))


def read_table(path):
    """Return the header and the rows of a table of ours, also as a spreadsheet saves it, each row a dict that ends where its line does.

    Raises ValueError, which says what is wrong, and OSError.
    """
    if path.stat().st_size > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 1_000_000} MB")
    content = path.read_bytes()
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not in UTF-8: save it as 'CSV UTF-8'") from None
    first = text.partition("\n")[0]
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True))
    except csv.Error as error:
        raise ValueError(f"it is no table: {error}") from None
    lines = [[as_written(value) for value in line] for line in lines if any(value.strip() for value in line)]
    header = [title.strip() for title in lines[0]] if lines else []
    return header, [dict(zip(header, line, strict=False)) for line in lines[1:]]


def harmless_to_spreadsheets(value):
    """Return a text with an apostrophe before all that a spreadsheet would compute."""
    return COMPUTED.sub(r"\1\2'", value) if isinstance(value, str) else value


def as_written(value):
    """Return the text that `harmless_to_spreadsheets` was given."""
    return QUOTED.sub(r"\1\2", value)
