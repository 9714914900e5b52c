"""Node.js with packages that a person has installed: `NODE_PATH=.../node_modules pytest -m long`."""

import json
import shutil
import subprocess

import pytest


def in_node(script, folder, *packages, given=None):
    """What a script prints as JSON; it finds `given` as JSON on its standard input. Skips without the packages."""
    if shutil.which("node") is None:
        pytest.skip("needs Node.js")
    for package in packages:
        resolve = ["node", "-e", f"require.resolve({json.dumps(package)})"]
        if subprocess.run(resolve, cwd=folder, capture_output=True).returncode:
            pytest.skip(f"needs {package} in NODE_PATH")
    command = ["node", "-e", script]
    done = subprocess.run(command, cwd=folder, input=json.dumps(given), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
