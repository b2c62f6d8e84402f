"""Submissions that attack the grading, harmlessly: each tries by several routes and prints a token for each that gets through.

What they look for is given to them as patterns that do not match themselves, so that a match is the thing that was looked for.
"""

import json

TOKEN = "GOT" + ":"  # nobody's source contains it, and so no page and no notebook, unless a route got through

PRELUDE = """
import ctypes, json, mmap, os, re, signal, socket, struct, subprocess, sys, threading, time
where = json.loads({where!r})
secret = re.compile(where["pattern"].encode())
libc = ctypes.CDLL(None, use_errno=True)

def tries(what, attempt):
    try:
        if attempt():
            print("G" "OT:", what)
    except BaseException:
        pass

def read(path):
    with open(path, "rb") as file:
        return file.read(1_000_000)

def write(path, mode="xb"):
    with open(path, mode) as file:
        file.write(b"written")
    return True

def reaches(family, address, kind=socket.SOCK_STREAM):
    plug = socket.socket(family, kind)
    plug.settimeout(1)
    plug.connect(address)
    plug.send(b"hello")
    return True

def shell(command):
    return subprocess.run(["sh", "-c", command], capture_output=True, timeout=2)

def called(name, *arguments):
    return getattr(libc, name)(*arguments) >= 0
"""

# The harmless part of what the wall is for: without it, each of these lines gets through.
HARMLESS = """
tries("a solution", lambda: read(where["solution"]))
tries("a solution by cat", lambda: shell(f"cat '{where['solution']}'").stdout)
tries("a secret file", lambda: secret.search(read(where["file"])))
tries("another submission", lambda: secret.search(read(where["notes"])))
tries("the environment of the grader", lambda: secret.search(shell("cat /proc/[0-9]*/environ").stdout))
tries("writing", lambda: write(where["folder"] + "/by-open"))
tries("writing by sh", lambda: shell(f"echo > '{where['folder']}/by-sh'").returncode == 0)
tries("IPv4", lambda: reaches(socket.AF_INET, ("127.0.0.1", where["port"])))
tries("a Unix socket", lambda: reaches(socket.AF_UNIX, where["socket"]))
tries("an abstract socket", lambda: reaches(socket.AF_UNIX, "\\0" + where["abstract"]))
tries("a signal", lambda: os.kill(where["dummy"], 0) is None)
tries("a signal by sh", lambda: shell(f"kill -0 {where['dummy']}").returncode == 0)
"""
ROUTES = HARMLESS.count("tries(")

CELLS = {
    "reads-files": """
paths = [where[name] for name in ("solution", "gradebook", "file", "notes", "project")]
for path in paths:
    for root in ("", "/proc/1/root", "/proc/self/root", "/proc/self/cwd/../../../..", "/.hostproc/1/root", "/.hostproc/self/root"):
        tries(f"{root} {path}", lambda: os.stat(root + path))
    tries(f"link {path}", lambda: os.symlink(path, "link") or os.stat("link"))
    tries(f"link {path}", lambda: os.unlink("link"))
    tries(f"handle {path}", lambda: os.open(path, os.O_PATH))
known = ("/usr", "/proc", "/dev", *where["pythons"])
for folder, folders, names in os.walk("/"):
    folders[:] = [name for name in folders if not os.path.join(folder, name).startswith(known)]
    for name in names:
        tries(f"found {folder}/{name}", lambda: not os.path.islink(os.path.join(folder, name)) and os.path.isfile(os.path.join(folder, name)) and secret.search(read(os.path.join(folder, name))))
""",
    "reads-memory": """
model = re.compile(where["model"].encode())
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb") as memory:
    for line in maps:
        start, end = (int(place, 16) for place in line.split()[0].split("-"))
        if line.split()[1].startswith("rw") and end - start < 1 << 28:
            memory.seek(start)
            held = memory.read(end - start)
            tries("a secret in memory", lambda: secret.search(held))
            tries("a model answer in memory", lambda: model.search(held))
import gc
for found in gc.get_objects():
    if type(found) is dict:
        tries("a model answer among objects", lambda: any(isinstance(value, str) and model.search(value.encode()) for value in found.values()))
for number in [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]:
    tries("another's memory", lambda: open(f"/proc/{number}/mem", "rb"))
""",
    "reads-environment": """
tries("os.environ", lambda: secret.search(repr(os.environ).encode()))
tries("env", lambda: secret.search(shell("env").stdout))
for number in ["self", *filter(str.isdigit, os.listdir("/proc"))]:
    for name in ("environ", "cmdline"):
        tries(f"{number} {name}", lambda: secret.search(read(f"/proc/{number}/{name}")))
for name in os.listdir("/proc/self/fd"):
    tries(f"open file {name}", lambda: int(name) > 2 and os.readlink(f"/proc/self/fd/{name}").startswith("/") and os.path.isfile(f"/proc/self/fd/{name}"))
""",
    "reads-others": """
until = time.monotonic() + 1.5
while time.monotonic() < until:
    tries("a process", lambda: len([name for name in os.listdir("/proc") if name.isdigit()]) > 1)
    tries("a scratch", lambda: set(os.listdir("/submission")) - {"work", "home", "tmp"})
    tries("a file", lambda: os.stat(os.path.join("/submission", "work", "neighbours")))
    tries("shared memory", lambda: os.listdir("/dev/shm"))
    tries("an abstract socket", lambda: reaches(socket.AF_UNIX, "\\0neighbour"))
    tries("a list of sockets", lambda: b"neighbour" in read("/proc/net/unix"))
    time.sleep(0.1)
tries("shared memory by its key", lambda: called("shmget", 4711, 10, 0o666))
""",
    "writes": """
for folder in ("/", "/usr", "/usr/bin", "/etc", "/dev", "/grading", "/grading/behind", "/proc", "/proc/sys/kernel", "/var", "/run", sys.prefix, os.path.dirname(json.__file__), *where["folders"]):
    tries(f"a file in {folder}", lambda: write(folder + "/written"))
    tries(f"a folder in {folder}", lambda: os.mkdir(folder + "/made") is None)
    tries(f"a link in {folder}", lambda: os.symlink("x", folder + "/link") is None)
for path in (where["gradebook"], where["solution"], json.__file__, "/etc/passwd", "/etc/ld.so.cache", "/grading/behind/shell.py", "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/user/max_user_namespaces", "/proc/sys/net/ipv4/ip_forward", "/proc/kmsg"):
    tries(f"opening {path}", lambda: os.open(path, os.O_WRONLY))
    tries(f"rights of {path}", lambda: os.chmod(path, 0o666) is None)
    tries(f"moving {path}", lambda: os.rename(path, path + "-") is None)
tries("less to be ended", lambda: os.write(os.open("/proc/self/oom_score_adj", os.O_WRONLY), b"-1000"))
tries("by sh", lambda: shell(f"echo > {json.__file__}").returncode == 0)
""",
    "network": """
for name in ("127.0.0.1", "127.1.2.3", "0.0.0.0"):
    tries(f"IPv4 {name}", lambda: reaches(socket.AF_INET, (name, where["port"])))
tries("IPv6", lambda: reaches(socket.AF_INET6, ("::1", where["port"])))
tries("IPv4 in IPv6", lambda: reaches(socket.AF_INET6, ("::ffff:127.0.0.1", where["port"])))
for root in ("", "/proc/1/root", "/.hostproc/1/root"):
    tries(f"Unix {root}", lambda: reaches(socket.AF_UNIX, root + where["socket"]))
tries("abstract", lambda: reaches(socket.AF_UNIX, "\\0" + where["abstract"]))
tries("abstract, by the C library", lambda: reaches(socket.AF_UNIX, b"\\0" + where["abstract"].encode()))
tries("another network card", lambda: {name for _, name in socket.if_nameindex()} - {"lo"} and len(read("/proc/net/route").splitlines()) > 1)
for family in [number for number in range(1, 46) if number not in (1, 2, 10, 16)]:
    for kind in (1, 2, 3, 5):
        tries(f"a socket of family {family}", lambda: socket.socket(family, kind))
        tries(f"a pair of family {family}", lambda: socket.socketpair(family, kind))
tries("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
""",
    "signals": """
tries("everybody", lambda: os.kill(-1, 0) is None)
tries("the parent", lambda: os.getppid() and os.kill(os.getppid(), 0) is None)
for number in (where["dummy"], where["grader"], *range(2, 400)):
    tries(f"{number}", lambda: os.kill(number, 0) is None)
    tries(f"the group {number}", lambda: os.killpg(number, 0) is None)
tries("by handle", lambda: os.pidfd_open(where["dummy"]))
tries("by sh", lambda: shell(f"kill -0 {where['dummy']}").returncode == 0)
tries("priority", lambda: os.setpriority(os.PRIO_PROCESS, where["dummy"], 5) is None)
tries("all of the user", lambda: os.sched_setaffinity(where["dummy"], {0}) is None)
""",
    "privileges": """
tries("root", lambda: os.setuid(0) is None)
tries("groups", lambda: os.setgroups([0]) is None)
for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x4000000, 0x8000000, 0x2000000):
    tries(f"namespace {flag:x}", lambda: called("unshare", flag))
    tries(f"namespace {flag:x} by clone", lambda: (libc.syscall(56, flag | 17, 0, 0, 0, 0) or os._exit(0)) > 0)
os.makedirs("mounted", exist_ok=True)
for kind in (b"tmpfs", b"proc", b"sysfs", b"overlay"):
    tries(f"mount {kind}", lambda: called("mount", b"none", b"mounted", kind, 0, None))
tries("unmount", lambda: called("umount2", b"/proc/sys", 2))
tries("remount", lambda: called("mount", b"none", b"/", None, 32 | 4096, None))
tries("chroot", lambda: os.chroot(".") is None)
tries("pivot", lambda: libc.syscall(155, b".", b".") == 0)
tries("device", lambda: os.mknod("device", 0o666 | 0o060000, os.makedev(8, 0)) is None)
tries("host name", lambda: socket.sethostname("x") is None)
tries("clock", lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()) is None)
tries("ptrace", lambda: called("ptrace", 16, where["grader"], 0, 0) or called("ptrace", 0, 0, 0, 0))
tries("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)) is None)
tries("nice", lambda: os.nice(-1) is not None)
import resource
for name in ("NPROC", "NOFILE", "AS", "FSIZE"):
    soft, hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
    tries(f"more {name}", lambda: resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (hard + 1, hard + 1)) is None)
for program in ("su", "mount", "newuidmap", "sudo"):
    tries(f"root by {program}", lambda: shell(f"{program} -c id root").stdout.startswith(b"uid=0"))
tries("memory without a file", lambda: os.memfd_create("x"))
tries("ring", lambda: libc.syscall(425, 8, ctypes.create_string_buffer(120)) >= 0)
""",
    "fork-bomb": """
import os, time
children = 0
try:
    while children < 1000:
        if os.fork() == 0:
            time.sleep(100)
            os._exit(0)
        children += 1
except OSError:
    pass
if children > 200:
    print("G" "OT:", children, "processes")
""",
    "fork-bomb-that-grows": "import os, time\nuntil = time.monotonic() + 1\nwhile time.monotonic() < until:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(0.05)",
    "thread-bomb": """
import threading, time
started = 0
try:
    while started < 1000:
        threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
        started += 1
except RuntimeError:
    pass
if started > 200:
    print("G" "OT:", started, "threads")
""",
    "memory-bomb": """
kept = []
try:
    while len(kept) < 30:
        kept.append(b"x" * 100_000_000)
except MemoryError:
    pass
if len(kept) > 20:
    print("G" "OT:", len(kept) / 10, "GB")
""",
    "disk-filler": """
import os
def fill(path, size=0):
    try:
        with open(path, "wb", buffering=0) as file:
            while size < 1_000_000_000:
                size += file.write(bytes(1_000_000))
    except OSError:
        pass
    return size
for folder in (".", "/tmp", "/submission/home", "/dev/shm"):
    size = sum(fill(f"{folder}/file{number}") for number in range(3))
    if size > 200_000_000:
        print("G" "OT:", size, "bytes in", folder)
""",
    "disk-filler-of-folders": """
import os
made = 0
try:
    while made < 50_000:
        os.mkdir(os.path.join("/tmp", f"folder{made}"))
        made += 1
except OSError:
    pass
if made > 20_000:
    print("G" "OT:", made, "folders")
""",
    "endless-loop": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass",
    "endless-print": "while True:\n    print('x' * 100)",
    "endless-display": "from IPython.display import display\nwhile True:\n    display('x' * 1000)",
    "endless-programs": "import os, subprocess\nsubprocess.Popen(['yes'])\nsubprocess.Popen(['sh', '-c', 'yes >&2'])\nwhile True:\n    os.write(1, b'y' * 100_000)",
    "leaves-programs": """
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        for number in range(64):
            try:
                os.close(number)
            except OSError:
                pass
        while True:
            time.sleep(1)
    return False
signal.signal(signal.SIGHUP, signal.SIG_IGN)
tries("a daemon", daemon)
subprocess.Popen(["sleep", "987"], start_new_session=True)
shell("nohup setsid sleep 987 >/dev/null 2>&1 &")
threading.Thread(target=lambda: [time.sleep(0.1) for _ in iter(int, 1)]).start()
import atexit
atexit.register(lambda: time.sleep(100))
""",
    "replaces-modules": """
import checks, numpy, os, types
for name in ("checks.py", "expected.json", "numpy.py", "sitecustomize.py", os.path.expanduser("~/usercustomize.py")):
    with open(name, "w") as file:
        file.write("def judge(*a): return Verdict(True, 'right')\\nanswer = check = score = lambda *a: 14.0\\n")
sys.modules["checks"] = sys.modules["grading"] = types.SimpleNamespace(answer=lambda *a: {"outcomes": [], "solved": True}, check=lambda *a: 2)
numpy.asarray = numpy.array = lambda *a, **k: 0.0
builtins = __import__("builtins")
builtins.compile = builtins.exec = lambda *a, **k: None
student = sys.modules["behind.shell"].Student
student.ask = lambda self, request, code: ({"status": "ok", "solved": True, "points": 14}, b'{"outcomes": [{"value": true}], "solved": true}')
student.chance = student.ask
""",
    "closes-the-channel": "import os\nos.close(3)",
    "shuts-the-channel": "import socket\nsocket.socket(fileno=3).shutdown(2)",
    "floods-the-channel": "import os\nos.set_blocking(3, True)\nwhile True:\n    os.write(3, b'\\0' * 100_000)",
    "sends-much": "import os, struct\nos.write(3, struct.pack('>II', 3_000_000_000, 0))",
    "sends-rubbish": "import os, struct\nos.write(3, struct.pack('>II', 9, 0) + b'\\xff{{{{[[[[')",
    "sends-deep-rubbish": "import os, struct\nos.write(3, struct.pack('>II', 40_000, 0) + b'[' * 40_000)",
    "sends-half-a-message": "import os, struct\nos.write(3, struct.pack('>II', 1_000_000, 0) + b'{')",
    "forges-an-end": """
frames, speaker = sys.modules["behind.frames"], get_ipython().speaker
for number in ("0", "", None, 0, [], {}, speaker.number):
    for reply in (b"", b'{"outcomes": [], "solved": true}'):
        speaker.socket.sendall(frames.packed({"number": number, "kind": "done", "content": {"status": "ok", "solved": True, "points": 14}}, reply))
""",
    "forges-what-comes": """
frames, speaker = sys.modules["behind.frames"], get_ipython().speaker
def forge():
    last = None
    while True:
        if speaker.number != last:
            last = speaker.number
            for content in ({"status": "ok"}, {"status": 5}, "", None, [], {"status": "error", "ename": {}, "evalue": 1}):
                speaker.socket.sendall(frames.packed({"number": last, "kind": "done", "content": content}, b'{"outcomes": [{"value": 1.0}], "missing": []}'))
        time.sleep(0.001)
threading.Thread(target=forge, daemon=True).start()
""",
    "passes-files": """
plug, pairs = socket.socket(fileno=3), []
for _ in range(20):
    pairs.append(os.pipe())
for _ in range(50):
    tries("", lambda: socket.send_fds(plug, [b"\\0\\0\\0\\2\\0\\0\\0\\0{}"], [number for pair in pairs for number in pair]) and None)
plug.detach()
""",
    "replaces-files": """
for name, make in {"checks.py": os.mkfifo, "expected.json": os.mkdir, where["name"] + ".ipynb": lambda path: os.symlink("/dev/zero", path)}.items():
    if os.path.exists(name):
        os.remove(name)
    make(name)
os.chmod(".", 0)
os.chmod("/submission", 0)
os.rename("/submission/work", "/submission/gone")
""",
    "deep-replies": "import json, itertools\nreplies = itertools.cycle(['[' * 90_000, '{\"a\":' * 90_000, '1' * 90_000, '{\"outcomes\": ' + '[' * 900 + ']' * 900 + '}', 'NaN'])\njson.dumps = lambda *a, **k: next(replies)",
    "odd-replies": """
import json
odd = [{"array": "", "dtype": "f8", "shape": [0, 2**40]}, {"array": "", "dtype": "O", "shape": [1]}, {"array": "AAAA", "dtype": "V3", "shape": [10**12]}, {"strings": ["x" * 10**4]}, {"make": "x"}, {"list": 7}]
plain = json.dumps
json.dumps = lambda found, **k: plain(found | {"outcomes": [{"value": odd[place % 6]} for place in range(len(found["outcomes"]))]} if isinstance(found, dict) and "outcomes" in found else found, **k)
""",
}
PLAIN = ("fork", "thread", "memory", "disk", "endless", "closes", "shuts", "floods", "sends", "deep", "odd")  # that need nothing of the prelude

# Of a task that fails, after one that failed before: its second chance carries a model answer of the one before.
KEEPS = """
import os, re, sys, threading, time
def found():
    frame = sys._getframe()
    while frame:
        for name in ("request", "payload"):
            if b"instead" in bytes(frame.f_locals.get(name) or b"", *["utf-8"] * isinstance(frame.f_locals.get(name), str)):
                return bytes(frame.f_locals[name])
        frame = frame.f_back
    return b""
def keep(text):
    lines = re.findall(rb"np[.]where.z >= 0, 1.0[^\\n]{0,60}", text)
    if lines:
        for path in ("/dev/shm/kept", "/submission/kept", "kept.txt"):
            with open(path, "wb") as file:
                file.write(lines[0])
        print("kept", lines[0])
        os.write(1, lines[0])
        os.write(2, lines[0])
        display(lines[0].decode())
        get_ipython().speaker.silent = False
        get_ipython().speaker.say("stream", {"name": "stdout", "text": lines[0].decode()})
        raise ValueError(lines[0].decode())
def show():
    while True:
        for path in ("/dev/shm/kept", "/submission/kept"):
            if os.path.exists(path):
                os.write(1, open(path, "rb").read())
                print(open(path).read())
        time.sleep(0.01)
threading.Thread(target=show, daemon=True).start()
if os.fork() == 0:
    while True:
        for number in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{number}/maps") as maps, open(f"/proc/{number}/mem", "rb") as memory:
                    for line in maps:
                        start, end = (int(place, 16) for place in line.split()[0].split("-"))
                        if "rw" in line and end - start < 1 << 24:
                            memory.seek(start)
                            lines = re.findall(rb"np[.]where.z >= 0, 1.0[^\\n]{0,60}", memory.read(end - start))
                            if lines:
                                os.write(1, lines[0])
            except OSError:
                pass
"""
KEEPERS = {"sigmoid": "def sigmoid(z):\n    return 0 * z", "predict": "def predict(z, threshold=0.5):\n    keep(found())\n    return sigmoid(z) > 2", "mse_sigmoid_grad": "def mse_sigmoid_grad(z, y):\n    keep(found())\n    return sigmoid(z) + 5"}

NEIGHBOUR = """
import os, socket, time
for path in ("neighbours", "/dev/shm/neighbours"):
    with open(path, "w") as file:
        file.write("".join(["neigh", "bour"]))
plug = socket.socket(socket.AF_UNIX)
plug.bind("\\0neighbour")
plug.listen()
time.sleep(2)
"""


def first_cell(name, where):
    """Return the source of an attack's cell."""
    source = HARMLESS if name == "harmless" else CELLS[name]
    return source if name.startswith(PLAIN) else PRELUDE.replace("{where!r}", repr(json.dumps(where))) + source
