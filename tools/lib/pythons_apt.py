"""Downloads from newer and older Debian suites, without touching the machine's own packages.

Everything here only downloads. The private configuration says that nothing is installed, so a
plain "apt-get install" that picked it up would replace the machine's C library; therefore it is
handed to single commands by private_apt() and to nothing else.
"""

import os
import pathlib
import shutil
import subprocess

from pythons_run import DownloadError, MissingTool, run_logged

KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# A mirror that is a snapshot has lists of newer suites that count as expired; they are signed all
# the same, and nothing that is fetched here gets installed.
CONFIGURATION = """\
Dir::Etc::sourcelist "{root}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::Lists "{root}/lists";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
APT::Update::Error-Mode "any";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Debug::NoLocking "true";
"""


def private_apt(root, label, log, verb, *arguments, cwd=None):
    """Runs one apt-get command under the private configuration. It can only download."""
    if verb not in ("update", "install", "source"):
        raise ValueError(f"private_apt only downloads, it does not {verb}")
    command = ["apt-get", "--quiet", "--assume-yes", verb]
    if verb != "update":
        command.append("--download-only")
    environment = dict(os.environ, APT_CONFIG=str(root / "apt.conf"), LC_ALL="C")
    code = run_logged(command + list(arguments), label, log, cwd=cwd, env=environment)
    if code != 0:
        raise DownloadError(_last_complaint(log) or f"apt-get {verb} failed, see {log}")


def _last_complaint(log):
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    complaints = [line for line in lines if line.startswith(("E:", "Err:"))]
    # The last word of apt-get can be that something failed; which address did stands before it.
    named = [line for line in complaints if line.startswith("E: Failed to fetch")]
    return (named or complaints or [""])[-1]


def site():
    """The Debian mirror this machine itself uses."""
    if not shutil.which("apt-get"):
        raise MissingTool("apt-get is not here: only Debian machines can be provided for")
    environment = {k: v for k, v in os.environ.items() if k != "APT_CONFIG"}
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)",
                           "Created-By: Packages", "Origin: Debian", "Label: Debian"],
                          capture_output=True, text=True, check=False, env=environment)
    lines = done.stdout.split()
    if not lines:
        raise DownloadError("apt knows no Debian mirror; run: apt-get update")
    return lines[0]


def prepare(cache, suite, label, log):
    """A private configuration for one suite with fresh lists; returns its folder."""
    if not KEYRING.exists():
        raise MissingTool(f"{KEYRING} is missing; install the package debian-archive-keyring")
    root = cache / "apt" / suite
    for folder in ("lists/partial", "cache/archives/partial"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "status").write_text("", encoding="utf-8")
    (root / "apt.conf").write_text(CONFIGURATION.format(root=root), encoding="utf-8")
    mirror = site()
    (root / "sources.list").write_text(
        "".join(f"{kind} [signed-by={KEYRING}] {mirror} {suite} main\n"
                for kind in ("deb", "deb-src")), encoding="utf-8")
    private_apt(root, f"{label}: reading the package lists of {suite}", log, "update")
    return root


def offers(root, package):
    """Whether the suite prepared in root has the binary package at all."""
    environment = dict(os.environ, APT_CONFIG=str(root / "apt.conf"), LC_ALL="C")
    done = subprocess.run(["apt-cache", "show", "--no-all-versions", package],
                          capture_output=True, env=environment, check=False)
    return done.returncode == 0


def download_packages(root, packages, label, log):
    """The packages with all they depend on; returns the .deb files."""
    archives = root / "cache" / "archives"
    for stale in archives.glob("*.deb"):
        stale.unlink()
    private_apt(root, f"{label}: downloading {packages[0]}", log, "install", *packages)
    return sorted(archives.glob("*.deb"))


def download_source(root, package, folder, label, log):
    """The source package's files; returns the .dsc."""
    folder.mkdir(parents=True, exist_ok=True)
    private_apt(root, f"{label}: downloading the source of {package}", log, "source", package,
                cwd=folder)
    descriptions = sorted(folder.glob("*.dsc"))
    if not descriptions:
        raise DownloadError(f"no source of {package} came, see {log}")
    return descriptions[-1]
