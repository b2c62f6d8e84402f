#!/bin/sh
# Babel reads one o'clock in the afternoon as one in the morning, in its own words.
#
# Versions: Babel 2.18.0 (2026; run with Python 3.11.7 on Linux).
# One would guess: parse_time(text, locale=L) understands what format_time(time,
#   locale=L) writes, or raises its ParseError.
# Behaviour: only an English "pm" is looked for; any other word for the afternoon
#   is dropped without a sign, and 13:05 comes back as 01:05. So it is in 167 of
#   Babel's 1,082 locales: in Greek, Arabic, Malay, traditional Chinese, in the
#   Spanish of the Americas, and in Canada's English, which writes "p.m.". What
#   was handed in in the evening would have come in the morning.
# Output seen: below, "wanted".
# Upstream: python-babel/babel#1338 (open) mends noon and midnight in English;
#   no thread found about the other languages.
# Exit: 0 while this holds, 1 when it no longer does. PYTHON chooses the Python.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
{
    "${PYTHON:-python3}" -m venv env
    env/bin/pip install -q babel==2.18.0
} >install.log 2>&1 || { cat install.log; exit 1; }

cat >seen.py <<'EOF'
import datetime
import warnings

from babel import localedata
from babel.dates import format_time, parse_time

warnings.simplefilter("ignore")  # names of locales that Babel itself has retired
afternoon = datetime.time(13, 5)


def there_and_back(locale):
    written = format_time(afternoon, "short", locale=locale)
    return ascii(written), str(parse_time(written, locale=locale))


for locale in ("en_US", "en_CA", "es_MX", "el", "zh_Hant"):
    print(locale, *there_and_back(locale))
back = [there_and_back(locale)[1] for locale in localedata.locale_identifiers()]
print(f"{len(back)} locales: {back.count('13:05:00')} right, {back.count('01:05:00')} in the morning")
EOF
env/bin/python seen.py >seen
cat seen
cat >wanted <<'EOF'
en_US '1:05\u202fPM' 13:05:00
en_CA '1:05\u202fp.m.' 01:05:00
es_MX '1:05\u202fp.m.' 01:05:00
el '1:05\u202f\u03bc.\u03bc.' 01:05:00
zh_Hant '\u4e0b\u53481:05' 01:05:00
1082 locales: 915 right, 167 in the morning
EOF
cmp -s seen wanted || { echo "changed"; exit 1; }
