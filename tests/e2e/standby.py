# SPDX-License-Identifier: Apache-2.0
"""A standby of a test cluster, in a directory of its own."""

import subprocess

from service import pg_bin


class Standby:
    def __init__(self, cluster, directory):
        self.directory = directory
        self.data = directory / "pg"
        self.directory.mkdir()
        subprocess.run(
            [pg_bin("pg_basebackup"), "-h", cluster.directory, "-U", "postgres", "-D", self.data]
            + ["-R", "-X", "stream", "-c", "fast", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with open(self.data / "postgresql.conf", "a", encoding="ascii") as conf:
            conf.write(f"unix_socket_directories = '{directory}'\n")
        self.ctl("-w", "-t", "60", "start")

    def ctl(self, *arguments):
        subprocess.run(
            [pg_bin("pg_ctl"), "-s", "-D", self.data, "-l", self.directory / "log", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def sql(self, query):
        subprocess.run(
            [pg_bin("psql"), "-h", self.directory, "-U", "postgres", "-d", "postgres"]
            + ["-q", "-c", query],
            check=True,
            stdout=subprocess.DEVNULL,
        )
