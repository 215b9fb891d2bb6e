"""With KUBEBUILDER_ASSETS the lab stands on the real API server, or says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.lab.kubebuilder import AssetsMissing, parts, wanted
from fixtures.lab.layout import Layout
from fixtures.lab.pki import Authority


def test_without_the_variable_the_lab_brings_its_own() -> None:
    assert wanted({}) is None


def test_a_folder_without_the_programs_is_an_error_that_names_them(tmp_path: Path) -> None:
    etcd = tmp_path / "etcd"
    etcd.touch(mode=0o755)
    with pytest.raises(AssetsMissing, match="missing \\['kube-apiserver'\\]"):
        wanted({"KUBEBUILDER_ASSETS": str(tmp_path)})


def test_both_servers_use_the_labs_addresses_tokens_and_certificates(tmp_path: Path) -> None:
    layout = Layout(201, tmp_path)
    Authority.create(layout.pki)
    etcd, apiserver = parts(layout, Path("/assets"))
    assert f"--etcd-servers=http://{layout.ip(0, 2)}:2379" in apiserver.command
    assert f"--listen-client-urls=http://{layout.ip(0, 2)}:2379" in etcd.command
    assert f"--token-auth-file={layout.tokens}" in apiserver.command
    assert (layout.pki / "accounts.key").exists()
