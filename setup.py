"""What pyproject.toml cannot say: the native operators inside the wheel, and a README whose links work on an index.

A wheel that holds the operators names its platform; where they are neither there nor can be built, for want of a
compiler or of ONNX Runtime's headers, it is one for any platform, and the models run on their graphs' function bodies.
``LAYOUTSERVE_NATIVE=no`` leaves them out, ``LAYOUTSERVE_NATIVE=required`` makes their absence an error.
"""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
NATIVE = HERE / "layoutserve" / "model" / "ops" / "native"
LIBRARY = NATIVE / "liblayoutserve_ops.so"
WANTED = os.environ.get("LAYOUTSERVE_NATIVE", "")
PROJECT = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]


def has_operators() -> bool:
    """Build the operators unless they are there (``make ops`` renews them); whether there are any to take along."""
    if WANTED == "no":
        return False
    if not LIBRARY.exists():
        # Headers are not downloaded here: who installs a package expects no such thing of it.
        subprocess.run([NATIVE / "build.sh", "--offline"], check=False)
    if WANTED == "required" and not LIBRARY.exists():
        raise SystemExit("LAYOUTSERVE_NATIVE=required, but the native operators could not be built.")
    return LIBRARY.exists()


def readme() -> str:
    """The README with addresses instead of paths: of this version, or of the newest while it is in the making."""
    version = PROJECT["version"]
    tree = "HEAD" if "dev" in version else f"v{version}"
    text = (HERE / "README.md").read_text(encoding="utf-8")
    text = re.sub(r'(?<=src=")(?!https?:)', f"{PROJECT['urls']['Source']}/raw/{tree}/", text)
    return re.sub(r"(?<=\]\()(?!https?:|#)", f"{PROJECT['urls']['Source']}/blob/{tree}/", text)


class BuildModules(build_py):
    """Modules and data, the native operators among them unless they are left out."""

    def find_data_files(self, package: str, src_dir: str) -> list[str]:
        """The data files of one package."""
        files = super().find_data_files(package, src_dir)
        return [file for file in files if not file.endswith(LIBRARY.name) or self.distribution.has_ext_modules()]


class Wheel(bdist_wheel):
    """A wheel for every Python 3, as the operators use nothing of CPython: for this platform with them, or for any."""

    def run(self) -> None:
        """Build the wheel. What an earlier build left behind must not come along, and nothing is left behind."""
        leftovers = self.get_finalized_command("build").build_base
        shutil.rmtree(leftovers, ignore_errors=True)
        with_operators = has_operators()
        # setuptools knows extension modules only; this sends everything to the folder for what is built.
        self.distribution.has_ext_modules = lambda: with_operators
        self.root_is_pure = not with_operators
        super().run()
        shutil.rmtree(leftovers, ignore_errors=True)

    def get_tag(self) -> tuple[str, str, str]:
        """``py3-none-any``, or ``py3-none-`` and the platform."""
        return "py3", "none", super().get_tag()[2]


setup(
    cmdclass={"build_py": BuildModules, "bdist_wheel": Wheel},
    long_description=readme(),
    long_description_content_type="text/markdown",
)
