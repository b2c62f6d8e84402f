"""What an LMS's download holds: whose submissions, which of their files, and what the LMS itself says of them.

Moodle packs by `mod/assign/classes/downloader.php`, Canvas by `lib/content_zipper.rb`; both give the files the time of packing. Gradescope adds
`submission_metadata.yml`. Any other zip or folder has one file or folder a student.
"""

import re
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import NamedTuple

import yaml

from grading.collect.folders import ENVIRONMENT, MOST_FILES
from grading.collect.handed_in import LARGEST_FILE, Refused

MOODLE, CANVAS, GRADESCOPE, PLAIN = "moodle", "canvas", "gradescope", ""
METADATA, LARGEST_METADATA = "submission_metadata.yml", 50_000_000
DEEPEST_METADATA, DEEPEST = 4, 100  # where it says what we need, and at all
LARGEST = 2 * LARGEST_FILE  # bytes of a submission
MOST_STUDENTS = 5000
LONGEST_PART = 200  # bytes of a file's or folder's name
WRAPPED = 3  # folders around a download: some programs unpack into a folder of the zip's name
PACKED_AT_ONCE = timedelta(minutes=10)

IN_MOODLE = re.compile(r"(?P<who>.+?)_assignsubmission_(?P<kind>[a-z]+)(?:_(?P<file>.*))?", re.DOTALL)
NUMBERED = re.compile(r"(?P<name>.*)_(?P<id>\d+)", re.DOTALL)
IN_CANVAS = re.compile(
    r"(?:(?P<name>.*?)_)??(?P<late>LATE_)?(?P<id>[1-9]\d*|anon_[A-Za-z0-9]+)_(?:(?P<attachment>[1-9]\d*)_(?P<file>.+)|(?P<page>(?:text|link)\.html))", re.DOTALL
)
AGAIN = re.compile(r"-\d+(?=\.[^.]+$)")  # Canvas numbers files of one name
PARTICIPANT = {"participant", "teilnehmerin", "teilnehmer", "participante", "participantes", "partecipante", "deelnemer", "deltager", "deltagare", "deltaker"}


class Submission(NamedTuple):
    """What a download holds of a student.

    numbers: by field of a Person ("moodle": digits). name: as the LMS writes it, "" where it hides it; called: what else tells it apart. files: Members by
    their place in the student's folder. file: the path in the download of what counts. attempts: 0 where the LMS does not say.
    """

    called: str
    files: dict
    file: str
    name: str = ""
    numbers: dict = {}
    attempts: int = 0
    handed_in: datetime | None = None
    late: str = ""
    newness: int = 0  # Canvas numbers its files in the order they come
    dropped: int = 0  # files beyond all bounds


class Download(NamedTuple):
    lms: str
    form: str
    submissions: list
    unknown: list  # names in it that nothing can be made of


def read(source, name, others=()):
    """Return the Download that a Source is; others: the names of other assignments. Raises Refused."""
    members, found = source.members, None
    for _ in range(WRAPPED):
        found = gradescope(source, members, name) or moodle(members, name) or canvas(members, name)
        inner = unwrapped(members)
        if found or not inner:
            break
        members = inner
    found = found or plain(source.members, name, others)
    if not found.submissions:
        raise Refused("nothing in it can be anybody's submission: give the zip as Moodle, Canvas or Gradescope made it, or one file or folder a student")
    if len(found.submissions) > MOST_STUDENTS:
        raise Refused(f"there are more than {MOST_STUDENTS} submissions in it: that is no class")
    return found._replace(submissions=[one._replace(**dict(zip(("files", "dropped"), placed(one.files), strict=True))) for one in found.submissions])


def unwrapped(members):
    """Return the members without the one folder that all of them are in; None if there is no such folder."""
    inner = [member._replace(path=member.path[1:]) for member in members if len(member.path) > 1]
    holding = {member.path[0] for member in members}
    return inner if inner and len(holding) == 1 else None


def by_first(members):
    """Return the members by the first part of their path, without it; a file there has the path ()."""
    found = {}
    for member in members:
        found.setdefault(member.path[0], []).append(member._replace(path=member.path[1:]))
    return found


def is_file(held):
    return len(held) == 1 and not held[0].path and held[0].origin is not None


def moodle(members, name):
    """Return a Download of Moodle, in folders or flat; None if it is not one."""
    found, unknown, flat = {}, [], False
    for first, held in by_first(members).items():
        match = IN_MOODLE.fullmatch(first)
        if not match or (is_file(held) and not match["file"]):
            unknown.append(first)
            continue
        flat |= is_file(held)
        inside = {(match["file"],): held[0]} if is_file(held) else {member.path: member for member in held if member.path}
        files, chosen = found.setdefault(match["who"], ({}, []))
        for path, member in inside.items():
            files.setdefault(path, member)
        chosen.append(((match["kind"] != "file"), not is_notebook(first, name), first))
    if not found:
        return None
    people = {who: NUMBERED.fullmatch(who) for who in found}
    hidden = are_hidden([match["name"] if match else who for who, match in people.items()])
    submissions = []
    for who, (files, chosen) in found.items():
        match = people[who]
        called = match["name"] if match else who
        numbers = {"moodle": match["id"]} if match else {}
        known = {"name": "" if hidden else called.strip(), "numbers": numbers}
        submissions.append(Submission(f"Participant {match['id']}" if hidden and match else called.strip(), files, min(chosen)[-1], **known))
    return Download(MOODLE, "flat" if flat else "in folders", submissions, unknown)


def are_hidden(names):
    """Say whether Moodle hides the names: it then writes its word for a participant for each."""
    words = {name.strip().casefold() for name in names}
    return words <= PARTICIPANT or (len(words) == 1 and len(names) > 2)


def canvas(members, name):
    """Return a Download of Canvas; None if it is not one."""
    held = by_first(members)
    matches = {first: IN_CANVAS.fullmatch(first) for first, inside in held.items() if is_file(inside)}
    known = {first: match for first, match in matches.items() if match}
    if not known or 2 * len(known) < len(held):
        return None
    found = {}
    for first, match in known.items():
        found.setdefault(match["id"], []).append((int(match["attachment"] or 0), first, match))
    submissions = []
    for who, theirs in found.items():
        newest = {}
        for attachment, first, match in sorted(theirs, key=lambda one: one[:2]):
            newest.setdefault(AGAIN.sub("", match["file"] or match["page"]).casefold(), []).append((attachment, first, match))
        files = {}
        for stem, versions in newest.items():
            _, first, match = versions[-1]
            ours = stem == f"{name}.ipynb".casefold()
            files[(f"{name}.ipynb" if ours else match["file"] or match["page"],)] = held[first][0]
        attachment, _, match = max(theirs, key=lambda one: one[:2])
        chosen = min((not is_notebook(versions[-1][1], name), versions[-1][1]) for versions in newest.values())[1]
        hidden = who.startswith("anon_")
        submissions.append(
            Submission(
                match["name"] or who,
                files,
                chosen,
                "" if hidden else match["name"] or "",
                {} if hidden else {"canvas": who},
                max(map(len, newest.values())),
                late="LATE" if match["late"] else "",
                newness=attachment,
            )
        )
    return Download(CANVAS, "", submissions, [first for first in held if first not in known])


def gradescope(source, members, name):
    """Return a Download of Gradescope; None if it is not one. Several who handed in together have a Submission each."""
    about = next((member for member in members if member.path == (METADATA,)), None)
    if about is None:
        return None
    metadata = metadata_of(source.read(about, LARGEST_METADATA))
    held, submissions, unknown = by_first(members), [], []
    for first, said in metadata.items():
        submitters = said.get(":submitters") if isinstance(said, dict) else None
        submitters = [one for one in submitters if isinstance(one, dict)] if isinstance(submitters, list) else []
        inside = held.pop(first, [])
        files = {(first,): inside[0]} if is_file(inside) else {member.path: member for member in inside if member.path}
        unknown += [] if submitters else [first]
        history = said.get(":history") if submitters else []
        for one in submitters:
            email, number, called = (clean(one.get(key)) for key in (":email", ":sid", ":name"))
            paths = sorted(files, key=lambda path: (not is_notebook(path[-1], name), len(path), path))
            submissions.append(
                Submission(
                    called or email or number or first,
                    files,
                    "/".join((first, *paths[0])) if paths and not is_file(inside) else first,
                    called,
                    {"email": email, "number": number},
                    1 + (len(history) if isinstance(history, list) else 0),
                    ruby_time(said.get(":created_at")),
                )
            )
    return Download(GRADESCOPE, "", submissions, unknown + [first for first in held if first != METADATA])


def metadata_of(content):
    """Return the mappings, lists and texts of Gradescope's metadata, so far down as we need them. Raises Refused.

    All values stay texts, numbers of students with zeros at their start, too. Tags and anchors of Ruby mean nothing here.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    stack, done = [], None
    depth = 0
    try:
        for event in yaml.parse(content, Loader=loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEEPEST:
                    raise Refused(f"{METADATA} is nested too deeply: it is not Gradescope's")
                value = {} if isinstance(event, yaml.MappingStartEvent) else []
                if depth <= DEEPEST_METADATA:
                    stack.append([value, None])
                    continue
                if depth > DEEPEST_METADATA + 1:
                    continue
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
                if depth >= DEEPEST_METADATA:
                    continue
                value = stack.pop()[0]
            elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
                if depth > DEEPEST_METADATA:
                    continue
                value = event.value if isinstance(event, yaml.ScalarEvent) else ""
            else:
                continue
            if not stack:
                done = value
            elif isinstance(stack[-1][0], list):
                stack[-1][0].append(value)
            elif stack[-1][1] is None:
                stack[-1][1] = value if isinstance(value, str) else ""
            else:
                stack[-1][0][stack[-1][1]] = value
                stack[-1][1] = None
    except (yaml.YAMLError, UnicodeError) as error:
        raise Refused(f"{METADATA} is damaged ({' '.join(str(error).split())[:200]}): download it again") from None
    if not isinstance(done, dict):
        raise Refused(f"{METADATA} is not Gradescope's: download it again")
    return done


def clean(value):
    return " ".join(value.split()) if isinstance(value, str) and value not in ("~", "null") else ""


def ruby_time(value):
    """Return the time of a text such as 2026-04-26 17:34:00.861687000 Z, to the second; None if it is none."""
    try:
        found = datetime.fromisoformat(re.sub(r"\s*(Z|UTC)$", "+00:00", clean(value)).replace(" +", "+").replace(" -", "-"))
    except ValueError:
        return None
    return found.replace(microsecond=0) if found.tzinfo else None


def plain(members, name, others):
    """Return a Download with one file or folder a student."""
    inner, wanted = unwrapped(members), f"{name}.ipynb".casefold()
    while inner:
        near = [member.path[0].casefold() for member in inner]
        notebooks = {member.path[0] for member in inner if len(member.path) == 1 and is_notebook(member.path[0])}
        if wanted in near or name.casefold() in near or len(notebooks) == 1:
            break
        members, inner = inner, unwrapped(inner)
    submissions, unknown = {}, []
    for first, held in by_first(members).items():
        if is_file(held):
            called, ending = PurePosixPath(first).stem, PurePosixPath(first).suffix.lower()
            called = re.sub(rf"[\s_.-]*{re.escape(name)}[\s_.-]*", "", called, flags=re.IGNORECASE).strip()
            if ending not in (".ipynb", ".zip") or not called:
                unknown.append(first)
                continue
            files = {(f"{name}.ipynb" if ending == ".ipynb" else first,): held[0]}
        else:
            called, files = first, {member.path: member for member in held if member.path}
            here = {path[1:]: member for path, member in files.items() if path[0].casefold() == name.casefold() and len(path) > 1}
            files = here or {path: member for path, member in files.items() if len(path) == 1 or path[0] not in others}
        if called in submissions:
            submissions[called].files.update({(first,) if is_file(held) else path: member for path, member in files.items()})
        else:
            submissions[called] = Submission(called, files, first, called)
    return Download(PLAIN, "", list(submissions.values()), unknown)


def is_notebook(called, name=None):
    """Say whether a file is called as a notebook is, or as the one of an assignment."""
    return called.lower().endswith(f"{name or ''}.ipynb".lower())


def placed(files):
    """Return the files that count, without folders that all of them lie in and environments in it; and how many are beyond all bounds."""
    files = {tuple(map(shortened, path)): member for path, member in files.items() if member.origin is not None}
    while files and len({path[0] for path in files}) == 1 and all(len(path) > 1 for path in files):
        files = {path[1:]: member for path, member in files.items()}
    environments = {path[:depth] for path in files for depth, part in enumerate(path) if depth and part in ENVIRONMENT}
    files = {path: member for path, member in files.items() if not any(path[:depth] in environments or path[:depth] in files for depth in range(1, len(path)))}
    kept, room = {}, LARGEST
    for path in sorted(files, key=lambda path: (not is_notebook(path[-1]), files[path].size, path))[:MOST_FILES]:
        room -= files[path].size
        if room < 0:
            break
        kept[path] = files[path]
    return kept, len(files) - len(kept)


def shortened(part):
    """Return a file's name with as many bytes as any system takes."""
    stem, ending = PurePosixPath(part).stem, PurePosixPath(part).suffix
    if len(part.encode()) <= LONGEST_PART or len(ending.encode()) > LONGEST_PART // 2:
        return part.encode()[:LONGEST_PART].decode(errors="ignore")
    return stem.encode()[: LONGEST_PART - len(ending.encode())].decode(errors="ignore") + ending


def changed(submissions):
    """Return when the files that count were last changed, by their place in `submissions`; none if that is when all were packed or copied."""
    times = [max((member.changed for member in one.files.values() if member.changed), default=None) for one in submissions]
    known = [time for time in times if time]
    return times if known and max(known) - min(known) > PACKED_AT_ONCE else [None] * len(times)


def told(download):
    """Return what the download is, in a few words."""
    called = {MOODLE: "Moodle", CANVAS: "Canvas", GRADESCOPE: "Gradescope", PLAIN: "one file or folder a student"}[download.lms]
    number = len(download.submissions)
    return f"{called}{f' ({download.form})' * bool(download.form)}: {number} submission{'s' * (number != 1)}"


def not_understood(download, members):
    """Return the names of what nothing can be made of: those that hold a notebook or a zip, and the others."""
    weighty = {part for member in members if PurePosixPath(member.path[-1]).suffix.lower() in (".ipynb", ".zip") for part in member.path}
    return [one for one in download.unknown if one in weighty], [one for one in download.unknown if one not in weighty]


def key(lms, file):
    """Return the part of a path in a download that stays when somebody hands in again."""
    match = IN_CANVAS.fullmatch(file) if lms == CANVAS else None
    return match["id"] if match else file.split("/")[0]


def newness(file):
    """Return the number that Canvas gave a file, 0 if none."""
    match = IN_CANVAS.fullmatch(file)
    return int(match["attachment"] or 0) if match else 0
