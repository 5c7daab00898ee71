"""Starts the Ingest Studio runner on the driver of a Databricks cluster.

Written by `ingest export --dab`. Finds Node and the runner in a folder (`--runner`: of the bundle, or of a Unity Catalog volume) or, where there is no
such folder, on the PATH of the cluster's image, and hands all further arguments to `ingest`. Secrets reach it as environment variables of the cluster.
"""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HOW_TO = """Make the folder on any computer with npm, then deploy again (or copy it to a volume and set the variable runner_path):
  npm install --prefix runner --os=linux --cpu={cpu} ingest-studio-{version}.tgz node-linux-{cpu}@24
or give the cluster an image that has the runner (ingest export --dab --dab-image IMAGE)."""


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--bundle", required=True, help="folder of the exported project")
    parser.add_argument("--runner", default="", help="folder that npm installed the runner into")
    parser.add_argument("--work-dir", required=True, help="local folder for what a run writes")
    parser.add_argument("--results", default="none", help="folder that metrics and logs are copied to afterwards")
    parser.add_argument("--environment", default="none", help="overlay of the configuration")
    parser.add_argument("--version", default="VERSION")
    options, arguments = parser.parse_known_args()

    work = Path(options.work_dir)
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = find_runner(Path(options.runner or Path(options.bundle) / "runner"), options.version)
    command += ["-c", options.bundle, "--work-dir", str(work), "--no-color"]
    if options.environment != "none":
        command += ["--env", options.environment]
    command += arguments
    print("Starting:", " ".join(command), flush=True)
    try:
        code = run(command)
    finally:
        if options.results != "none":
            keep_results(work, Path(options.results))
    # An exit code of 0 must not be raised: Databricks takes every SystemExit for a failure.
    if code != 0:
        raise RuntimeError(f"ingest ended with exit code {code}: {meaning(code)}. Its log is above.")


def find_runner(folder: Path, version: str) -> list[str]:
    """The command that starts `ingest`."""
    cpu = "arm64" if platform.machine() in ("aarch64", "arm64") else "x64"
    if (folder / "node_modules").is_dir():
        modules = local_copy(folder) / "node_modules"
        node = modules / f"node-linux-{cpu}" / "bin" / "node"
        program = modules / "ingest-studio" / "bin" / "ingest.mjs"
        for file in (node, program):
            if not file.is_file():
                raise FileNotFoundError(f"{folder} has no {file.relative_to(modules)}.\n{HOW_TO.format(cpu=cpu, version=version)}")
        node.chmod(0o755)
        return [str(node), str(program)]
    installed = shutil.which("ingest")
    if installed is None:
        raise FileNotFoundError(
            f"There is no runner: no folder {folder}, and no `ingest` on the PATH.\n{HOW_TO.format(cpu=cpu, version=version)}"
        )
    return [installed]


def local_copy(folder: Path) -> Path:
    """A copy on the local disk: workspace files and volumes keep no execute bit and are slow to load libraries from."""
    stamp = int((folder / "package-lock.json").stat().st_mtime) if (folder / "package-lock.json").exists() else 0
    target = Path(tempfile.gettempdir()) / f"ingest-runner-{stamp}"
    if not target.exists():
        making = Path(tempfile.mkdtemp(prefix="ingest-runner-"))
        shutil.copytree(folder, making, dirs_exist_ok=True)
        try:
            making.rename(target)
        except OSError:
            # Another task of this cluster was first.
            shutil.rmtree(making, ignore_errors=True)
    return target


def run(command: list[str]) -> int:
    """Runs the command, its lines as they come; a cancelled task ends it."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8")

    def stop(*_: object) -> None:
        child.terminate()

    try:
        signal.signal(signal.SIGTERM, stop)
    except ValueError:
        # Only a main thread takes signals; elsewhere the child ends with its parent's pipe.
        pass
    try:
        for line in child.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
        return child.wait()
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()


def keep_results(work: Path, results: Path) -> None:
    """Copies metrics, reports and logs whole: volumes take no appending writes."""
    metadata = work / "metadata"
    if not metadata.is_dir():
        return
    results.mkdir(parents=True, exist_ok=True)
    # Load packages and spools below it hold data: they stay.
    for file in metadata.iterdir():
        if file.is_file() and file.suffix in (".json", ".jsonl", ".html"):
            shutil.copyfile(file, results / file.name)


def meaning(code: int) -> str:
    return {
        1: "a job or a critical check failed",
        2: "the configuration is invalid or unusable",
        130: "cancelled",
    }.get(code, "the runner was ended from outside")


if __name__ == "__main__":
    main()
