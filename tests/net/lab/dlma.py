# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Starts, asks and stops the production programs in a laboratory."""

import json
import shutil
import subprocess
from pathlib import Path

from . import netns, topology

CONFIGS = Path(__file__).resolve().parents[3] / "configs/figure5"
DOMAIN_CONF = "domain.conf"
READY_S = 20
DUMPS = ("status", "bindings", "cache", "locations", "peers", "counters")  # commands of dlmactl
DETACH_S = 20


class DlmaMixin:
    """The part of Lab that knows the product: three programs, their directories, their sockets."""

    conf_dir = hook_of_loader = None
    loaders = agents = {}  # by node

    def start_dlma(self, hook=None, conf_dir=CONFIGS, nodes=None):
        """Starts loader and agent in all nodes (or these), and waits until all are ready.

        The configuration is copied into the lab's directory, so a test may give its own.
        """
        self.hook_of_loader = hook or self.hook
        netns.mount_bpffs()
        self.conf_dir = self.directory / "conf"
        shutil.copytree(conf_dir, self.conf_dir, dirs_exist_ok=True)
        self.keygen()
        self.loaders, self.agents = {}, {}
        self._cleanup.callback(self._detach)
        names = [node.name for node in topology.NODES] if nodes is None else nodes
        for name in names:
            self.start_loader(name)
        for name in names:
            self.start_agent(name)
        for name in names:
            self.wait_ready(name)

    def program(self, name):
        """Path of a production program."""
        return self.build / name

    def conf(self, node):
        """A node's configuration file."""
        return self.conf_dir / f"{node}.conf"

    def keygen(self):
        """Makes the secrets of all pairs of nodes, unless the test has brought its own."""
        if any(self.conf_dir.glob("*.keys")):
            return
        subprocess.run([self.program("dlmactl"), "keygen", self.conf_dir / DOMAIN_CONF,
                        self.conf_dir], check=True, capture_output=True, timeout=30)

    @property
    def pin_dir(self):
        """Where the nodes of this lab pin their maps and links."""
        return netns.BPFFS / self.name

    @property
    def run_dir(self):
        """Where they have their sockets: RUN_DIR/NODE/agent.sock."""
        return netns.SOCKETS / self.name

    def dlma_env(self):
        """What keeps the programs of this lab apart from all others on the machine."""
        return {"DLMA_RUN_DIR": str(self.run_dir),
                "DLMA_STATE_DIR": str(self.directory / "state"),
                "DLMA_PIN_DIR": str(self.pin_dir)}

    def _start_program(self, node, argv):
        for directory in self.dlma_env().values():
            Path(directory).mkdir(parents=True, exist_ok=True)
        return self.start(node, argv, env=self.dlma_env())

    def start_loader(self, node):
        """Starts (again) the loader of a node."""
        self.loaders[node] = self._start_program(
            node, [self.program("dlma-loader"), "--hook", self.hook_of_loader, self.conf(node)])
        return self.loaders[node]

    def start_agent(self, node):
        """Starts (again) the agent of a node."""
        self.agents[node] = self._start_program(node, [self.program("dlma-agent"), self.conf(node)])
        return self.agents[node]

    def ctl(self, node, *arguments, check=True):
        """Runs dlmactl on a node; returns what subprocess.run() does."""
        socket = self.run_dir / node / "agent.sock"
        return self.run(node, [self.program("dlmactl"), "--socket", socket, *arguments],
                        check=check, env=self.dlma_env())

    def ctl_json(self, node, *arguments):
        """The answer of `dlmactl ARGUMENTS --json` as Python data."""
        return json.loads(self.ctl(node, *arguments, "--json").stdout)

    def wait_ready(self, node, deadline_s=READY_S):
        """Waits until the agent of a node says that it is ready."""
        self.wait(lambda: self._is_ready(node), deadline_s, f"{node}: agent ready", 0.05)

    def _is_ready(self, node):
        for process in (self.loaders.get(node), self.agents.get(node)):
            if process and not process.alive:
                raise process.error(f"ended with status {process.exit_status}")
        answer = self.ctl(node, "status", "--json", check=False)
        return answer.returncode == 0 and json.loads(answer.stdout).get("ready") is True

    def dump_dlma(self, directory):
        """What each agent has in its tables, into directory/NODE-dlma.txt."""
        for node in self.agents:
            text = ""
            for command in DUMPS:
                answer = self.ctl(node, command, check=False)
                text += f"$ dlmactl {command}\n{answer.stdout}{answer.stderr}\n"
            (directory / f"{node}-dlma.txt").write_text(text, encoding="utf-8")

    def _detach(self):
        """Programs end first, then nothing of theirs stays attached."""
        self._stop_processes()
        loader = self.program("dlma-loader")
        if not loader.exists():
            return  # the pins go with their directory, the rest with the interfaces
        for node in self.loaders.keys() & self.namespaces.keys():
            self.run(node, [loader, "--detach", self.conf(node)],
                     check=False, timeout_s=DETACH_S, env=self.dlma_env())
