"""Dates and times as an LMS writes them, in the language of its site."""

import re
import unicodedata
from datetime import datetime
from functools import cache

from babel import Locale
from babel.localedata import locale_identifiers

USUAL = tuple("en de es fr it pt nl pl ru zh ja cs hu tr sv da nb fi uk el ca ar".split())  # are tried first, all others take half a second
CLOCK = re.compile(r"(?<!\d)(\d{1,2})\s?[:.h時时시]\s?(\d{2})(?!\d)")
YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
MONTHS, DAYS, HALVES = range(3)
SPACED = "\u0600"  # letters before it are of alphabets with spaces between words
LONGEST = 100


def read_times(texts):
    """Return the naive datetime in each of these texts of one site, None for each that holds none.

    The language is the first in which all are read and agree with their day of the week. A text that means different days in different languages, or
    numbers only (is 1/12 in January?), is none.
    """
    texts = [plain(one) for one in texts]
    dated = sorted({one for one in texts if CLOCK.search(one) and YEAR.search(one)})
    for language in USUAL:
        if dated and all(all(read(one, language)) for one in dated):
            return [read(one, language)[0] if one in dated else None for one in texts]
    possible = [language for language in languages() if dated and any(read(dated[0], language))]
    for language in possible:
        if all(all(read(one, language)) for one in dated):
            possible = [language]
            break
    meant = {one: {time for language in possible for time, certain in [read(one, language)] if time or certain} for one in dated}
    return [next(iter(meant[one])) if len(meant.get(one, ())) == 1 else None for one in texts]


def plain(text):
    """Return a text in small letters, with the digits 0 to 9."""
    return " ".join(unicodedata.normalize("NFKC", digits(text[:LONGEST])).casefold().split())


def digits(text):
    return "".join(str(unicodedata.digit(letter)) if letter.isdigit() else letter for letter in text)


@cache
def read(text, language):
    """Return the time in a plain text, and whether the day of the week is that of the time: (None, False) in another language, (None, True) if it is not."""
    months, _, _ = names(language)
    if not any(name in text for name in months):
        return None, False
    clock, year = list(CLOCK.finditer(text)), YEAR.search(text)
    before, after = text[: clock[-1].start()], text[clock[-1].end() :]
    month, rest = taken(YEAR.sub(" ", before, count=1), language, MONTHS)
    day, rest = taken(rest, language, DAYS)
    numbers = re.findall(r"\d+", rest)
    half, _ = taken(f"{rest} {after}", language, HALVES)
    if month is None or len(numbers) != 1 or not year or year.start() > clock[-1].start():
        return None, False
    hour, minute = map(int, clock[-1].groups())
    try:
        time = datetime(int(year[0]), month, int(numbers[0]), hour if half is None else hour % 12 + 12 * half, minute)
    except ValueError:
        return None, False
    return (time, day is not None) if day in (None, time.weekday()) else (None, True)


def taken(text, language, which):
    """Return what a name in a text means, and the text without it; None without any."""
    found = pattern(language, which).search(text)
    return (names(language)[which][found[0]], f"{text[: found.start()]} {text[found.end() :]}") if found else (None, text)


@cache
def names(language):
    """Return the months (1 to 12), the days of the week (0 is Monday) and the halves of a day (0, 1), each by their names."""
    locale = Locale.parse(language)
    months, days = {}, {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for number, name in locale.months[context][width].items():
                months.setdefault(plain(name).rstrip("."), number)
            for number, name in locale.days[context][width].items():
                days.setdefault(plain(name).rstrip("."), number)
    halves = {"am": 0, "pm": 1, "a.m.": 0, "p.m.": 1}
    for context in locale.day_periods.values():
        for width in context.values():
            halves |= {plain(width[half]): number for number, half in enumerate(("am", "pm")) if half in width}
    return tuple({name: number for name, number in known.items() if any(map(str.isalpha, name))} for known in (months, days, halves))


@cache
def pattern(language, which):
    """Return a pattern of a language's names, the longest first: where words have spaces between them, as a word."""
    longest_first = sorted(names(language)[which], key=len, reverse=True)
    return re.compile("|".join(before(name) + re.escape(name) + after(name) for name in longest_first) or "(?!)")


def before(name):
    return r"(?<![^\W_])" if name[0].isalpha() and name[0] < SPACED else r"(?<!\d)"


def after(name):
    return r"(?![^\W_])" if name[-1] < SPACED else ""


@cache
def languages():
    return sorted(name for name in locale_identifiers() if "_" not in name and name != "root")
