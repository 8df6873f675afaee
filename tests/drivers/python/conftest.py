"""Starts the fql binary for the session: a transient database on a free port, secret `secret`."""
import os
import pathlib
import socket
import subprocess
import time
import urllib.request

import pytest
from fauna import fql
from fauna.client import Client

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get("FQL_BINARY", str(ROOT / "target" / "debug" / "fql"))


@pytest.fixture(scope="session")
def endpoint():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {k: v for k, v in os.environ.items() if k != "FAUNA_ROOT_SECRET"}
    process = subprocess.Popen([BINARY, "serve", "--dev", "--listen", f"127.0.0.1:{port}"], env=environment)
    for _ in range(200):
        try:
            urllib.request.urlopen(url + "/ping").read()
            break
        except OSError:
            assert process.poll() is None, "the server ended"
            time.sleep(0.05)
    yield url
    process.terminate()
    assert process.wait(timeout=40) == 0


@pytest.fixture
def client(endpoint):
    made = Client(endpoint=endpoint, secret="secret")
    yield made
    made.close()


@pytest.fixture
def collection(client):
    """A fresh collection's name."""
    name = f"C{time.time_ns()}"
    client.query(fql("Collection.create({ name: ${name} })", name=name))
    return name
