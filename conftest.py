"""Registers the plugin that every run of pytest here needs, and nothing else."""

pytest_plugins = ["fixtures.plugin"]
