"""`valetkey dev` with a preset: one of the five services, for one test."""

import json
import os
import pathlib
import subprocess
import tempfile
import threading

ALICE = {"username": "alice", "password": "alice-in-wonderland-1865"}


class Service:
    def __init__(self, binary, preset):
        self.bin = binary
        self.home = tempfile.TemporaryDirectory(prefix="valetkey-service-")
        self.data = pathlib.Path(self.home.name) / "data"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VALETKEY")}
        environment["VALETKEY__MANAGEMENT__LISTEN"] = "127.0.0.1:0"
        command = [binary, "--json", "--data-dir", str(self.data), "dev", "--listen", "127.0.0.1:0", "--preset", preset]
        self.process = subprocess.Popen(command, cwd=self.home.name, env=environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
        timer = threading.Timer(30, self.process.kill)
        timer.start()
        try:
            self.issuer = json.loads(self.process.stdout.readline())["issuer"]
        finally:
            timer.cancel()

    def client(self, *flags):
        """An application with what the preset gives to every one: its id and secret."""
        command = [self.bin, "--json", "--data-dir", str(self.data), "client", "create", "--name", "Library", *flags]
        made = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)
        return made["client_id"], made.get("client_secret")

    def stop(self):
        self.process.terminate()
        self.process.wait(15)
        self.home.cleanup()
