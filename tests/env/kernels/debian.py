# SPDX-License-Identifier: Apache-2.0
"""Debian's kernels: downloaded with an apt that has lists of its own, and unpacked into a folder.
Nothing is installed.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

# Our name for it → Debian's release. Its newest `linux-image-cloud-amd64` is taken.
KERNELS = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie"}
META = "linux-image-cloud-amd64"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
NETWORK = 120  # seconds, for each step that asks the mirror


class NoKernel(Exception):
    """It cannot be had here: a reason to skip."""


def mirror():
    """Where this machine has its Debian packages from, in apt's own words; else Debian's own
    address.
    """
    form = "$(ORIGIN)/$(LABEL) $(REPO_URI)"
    command = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    listing = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    found = re.search(r"^Debian/Debian (\S+)", listing, re.MULTILINE)
    return found[1] if found else "http://deb.debian.org/debian"


def apt(command, folder, **options):
    """Runs apt-get or apt-cache as if folder were all that it knows."""
    settings = {
        "Dir::Etc::sourcelist": f"{folder}/sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State": f"{folder}/state",
        "Dir::Cache": f"{folder}/cache",
        "Dir::State::status": f"{folder}/status",
        "APT::Architecture": "amd64",
        "APT::Architectures::": "amd64",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Check-Valid-Until": "false",
        "Acquire::Retries": "2",
    }
    words = [
        command[0],
        "-q",
        *(word for name, value in settings.items() for word in ("-o", f"{name}={value}")),
        *command[1:],
    ]
    try:
        return subprocess.run(
            words,
            check=True,
            capture_output=True,
            text=True,
            timeout=NETWORK,
            stdin=subprocess.DEVNULL,
            **options,
        ).stdout
    except FileNotFoundError as error:
        raise NoKernel("no apt here") from error
    except subprocess.TimeoutExpired as error:
        raise NoKernel(f"{command[0]} {command[1]} took more than {NETWORK} s") from error
    except subprocess.CalledProcessError as error:
        said = " ".join(error.stderr.split())[-300:]
        raise NoKernel(f"{' '.join(command[:2])}: {said}") from error


def download(release, folder, into):
    """The kernel's package of a release, unpacked into the folder `into`."""
    if not os.path.exists(KEYRING):
        raise NoKernel("no keyring of Debian's here (make deps)")
    for name in ("state/lists/partial", "cache/archives/partial"):
        pathlib.Path(folder, name).mkdir(parents=True)
    pathlib.Path(folder, "status").touch()
    pathlib.Path(folder, "sources.list").write_text(
        f"deb [signed-by={KEYRING}] {mirror()} {release} main\n"
    )
    apt(["apt-get", "update"], folder)
    depends = apt(["apt-cache", "depends", META], folder)
    package = re.search(r"Depends: (linux-image-\S+)", depends)
    if not package:
        raise NoKernel(f"{release} has no {META}")
    apt(["apt-get", "download", package[1]], folder, cwd=folder)
    archive = next(pathlib.Path(folder).glob("*.deb"))
    subprocess.run(["dpkg-deb", "-x", archive, into], check=True)
    version = next(pathlib.Path(into).glob("boot/vmlinuz-*")).name.removeprefix("vmlinuz-")
    # Newer releases have the modules in /usr/lib already.
    usr = pathlib.Path(into, "usr/lib/modules")
    if usr.is_dir():
        pathlib.Path(into, "lib").mkdir(exist_ok=True)
        usr.rename(pathlib.Path(into, "lib/modules"))
    subprocess.run(["/sbin/depmod", "-b", into, version], check=True, capture_output=True)


def kernel(name, cache):
    """(the kernel's file, its folder of modules); downloaded once into the folder cache."""
    home = pathlib.Path(cache, name)
    if not home.is_dir():
        with tempfile.TemporaryDirectory(dir=cache, prefix="apt-") as folder:
            download(KERNELS[name], folder, f"{folder}/root")
            shutil.move(f"{folder}/root", home)
    image = next(home.glob("boot/vmlinuz-*"))
    return image, home / "lib/modules" / image.name.removeprefix("vmlinuz-")
