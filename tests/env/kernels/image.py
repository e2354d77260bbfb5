# SPDX-License-Identifier: Apache-2.0
"""Builds the initramfs and the root of the virtual machine from files of this machine. Neither
needs root.
"""

import contextlib
import gzip
import os
import pathlib
import re
import stat
import subprocess
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parents[2]
# In the order in which they are loaded, what each depends on first: the disk, the port, the file
# systems.
FIRST_MODULES = ("virtio_blk", "virtio_console", "virtio_pci", "squashfs", "overlay")
OF_THE_MACHINE = (
    "etc/ld.so.cache",
    "etc/nsswitch.conf",
    "etc/passwd",
    "etc/group",
    "etc/protocols",
    "etc/services",
    "etc/rpc",
    "etc/os-release",
)
TOP = ("bin", "sbin", "lib", "lib64", "lib32", "libx32")  # links into usr
NOT_NEEDED = re.compile(
    r"usr/(share/(doc|man|locale|info|lintian|bash-completion|perl|zoneinfo)|lib/modules|"
    r"lib/python3[.\d]*/(test|idlelib|tkinter|lib2to3|ensurepip))/"
)


class ImageError(Exception):
    pass


def words_of(path):
    """The lines of a list, comments left out."""
    lines = (line.strip() for line in path.read_text().splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def closure(roots):
    """The installed packages among roots, the essential ones, and all that they depend on."""
    form = (
        "${db:Status-Status}\t${Essential}\t${binary:Package}\t${Package}\t${Provides}\t"
        "${Pre-Depends}, ${Depends}\n"
    )
    listing = subprocess.run(
        ["dpkg-query", "-W", "-f", form], check=True, capture_output=True, text=True
    ).stdout
    names, needs, left = {}, {}, list(roots)
    for line in listing.splitlines():
        state, essential, full, name, provides, depends = line.split("\t")
        if state != "installed":
            continue
        names.setdefault(name, full)
        for provided in re.findall(r"[a-z0-9][a-z0-9.+-]+(?=$|,| |\()", provides):
            names.setdefault(provided, full)
        needs[full] = [
            re.split(r"[ (:]", choice.strip())[0]
            for choice in re.split(r"[,|]", depends)
            if choice.strip()
        ]
        if essential == "yes":
            left.append(name)
    found = set()
    while left:
        full = names.get(left.pop())
        if full and full not in found:
            found.add(full)
            left += needs[full]
    return sorted(found)


def in_real_folder(path):
    """path without its leading slash, its folder with no link in it: /lib/x is usr/lib/x."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name).lstrip("/")


def of_packages(names):
    listing = subprocess.run(
        ["dpkg-query", "-L", *names], check=True, capture_output=True, text=True
    ).stdout
    for path in listing.splitlines():
        if path.startswith("/") and not os.path.isdir(path) and os.path.lexists(path):
            yield in_real_folder(path)


def compiled(paths):
    """Python's compiled files next to the sources: they belong to no package."""
    for folder in sorted({os.path.dirname(path) for path in paths if path.endswith(".py")}):
        cache = pathlib.Path("/", folder, "__pycache__")
        if cache.is_dir():
            yield from (str(path)[1:] for path in cache.iterdir())


def alternatives():
    """/usr/bin/awk and its like."""
    for folder in ("/usr/bin", "/usr/sbin"):
        for entry in os.scandir(folder):
            if entry.is_symlink() and os.readlink(entry.path).startswith("/etc/alternatives/"):
                yield entry.path[1:]
                yield os.readlink(entry.path)[1:]


def is_program(path):
    mode = path.stat().st_mode if path.is_file() else 0
    return stat.S_ISREG(mode) and mode & 0o111


def of_tree(build):
    """The sources and the built programs.

    The programs are those of build/, of its variants and of tests/bpf, with their BPF objects.
    """
    for folder, folders, files in os.walk(TREE):
        folders[:] = [
            name
            for name in folders
            if name not in (".git", "corpus") and pathlib.Path(folder, name) != build
        ]
        yield from (os.path.join(folder, name) for name in files)
    for pattern in ("*", "*/wgsocks_exporter", "tests/bpf/*"):
        yield from (str(path) for path in build.glob(pattern) if is_program(path))
    for pattern in ("*.bpf.o", "tests/bpf/*.o"):
        yield from map(str, build.glob(pattern))


def libraries(programs):
    """The shared libraries that the loader finds for the programs."""
    for program in programs:
        output = subprocess.run(
            ["ldd", program], check=False, capture_output=True, text=True
        ).stdout
        for path in re.findall(r"(/\S+) \(0x", output):
            yield in_real_folder(path)
            yield os.path.realpath(path)[1:]


def write_root(target, build, modules, extra):
    """The image: what runs in the guest, from here, with the kernel's modules, and extra: name in
    /kernels → file.
    """
    own = sorted(of_tree(build))
    paths = set(of_packages(closure(words_of(HERE / "packages"))))
    paths.update(alternatives())
    paths.update(compiled(paths))
    paths.update(
        libraries(
            path for path in own if path.startswith(str(build)) and is_program(pathlib.Path(path))
        )
    )
    paths.update(
        name
        for name in (*OF_THE_MACHINE, *TOP)
        if os.path.lexists(f"/{name}") and (name not in TOP or os.path.islink(f"/{name}"))
    )
    paths = {
        path
        for path in paths
        if not NOT_NEEDED.match(path) and os.access(f"/{path}", os.R_OK, follow_symlinks=True)
    }
    paths.update(path.lstrip("/") for path in own)
    links = {"usr/lib/modules": str(modules.parent)}
    paths.update(str(path).lstrip("/") for path in modules.rglob("*") if path.is_file())
    # A tar archive names the owner of each file, so any user can run the conversion.
    command = [
        "sqfstar",
        "-quiet",
        "-no-progress",
        "-no-xattrs",
        "-root-mode",
        "755",
        "-noI",
        "-noId",
        "-noD",
        "-noF",
        str(target),
    ]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=complaints, stderr=complaints
        )
        with (
            contextlib.suppress(BrokenPipeError),
            process.stdin,
            tarfile.open(fileobj=process.stdin, mode="w|") as tar,
        ):
            fill(tar, sorted(paths), links, extra)
        if process.wait():
            complaints.seek(0)
            raise ImageError(f"sqfstar: {complaints.read().decode(errors='replace')[-2000:]}")


def fill(tar, paths, links, extra):
    folders = {
        "dev",
        "proc",
        "sys",
        "run",
        "tmp",
        "root",
        "mnt",
        "var/tmp",
        "var/empty",
        "kernels",
        *map(os.path.dirname, paths),
    } - {""}
    folders |= {
        str(parent) for folder in folders for parent in pathlib.PurePath(folder).parents
    } - {"."}
    for folder in sorted(folders - set(paths)):
        member = tarfile.TarInfo(folder)
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(member)
    for path in paths:
        tar.add(f"/{path}", path, recursive=False, filter=of_root)
    for path, target in links.items():
        member = tarfile.TarInfo(path)
        member.type, member.linkname = tarfile.SYMTYPE, target
        tar.addfile(member)
    for name, source in extra.items():
        tar.add(source, f"kernels/{name}", filter=of_root)


def of_root(member):
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def cpio(entries):
    """A cpio archive (newc) of {path: (mode, bytes)}."""
    out = bytearray()
    for number, (path, (mode, data)) in enumerate([*entries.items(), ("TRAILER!!!", (0, b""))], 1):
        name = path.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + name
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def with_dependencies(modules, name):
    """Files of the module and of its dependencies, the dependencies first."""
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, needs = line.partition(":")
        if re.search(rf"/{name}\.ko", path):
            return [*reversed(needs.split()), path]
    return []  # built in


def write_initramfs(target, modules):
    """Busybox, init, and the modules without which the image cannot be read."""
    entries = {name: (stat.S_IFDIR | 0o755, b"") for name in ("bin", "modules")}
    entries["bin/busybox"] = (stat.S_IFREG | 0o755, pathlib.Path("/bin/busybox").read_bytes())
    entries["init"] = (stat.S_IFREG | 0o755, (HERE / "guest/init").read_bytes())
    entries["tree"] = (stat.S_IFREG | 0o644, str(TREE).encode())
    paths = dict.fromkeys(
        path for name in FIRST_MODULES for path in with_dependencies(modules, name)
    )
    for number, path in enumerate(paths):
        entries[f"modules/{number:02}-{os.path.basename(path)}"] = (
            stat.S_IFREG | 0o644,
            (modules / path).read_bytes(),
        )
    target.write_bytes(gzip.compress(cpio(entries), 1))
