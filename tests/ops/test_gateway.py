"""`k8s/gateway.yaml` is what Kubernetes accepts, and keeps each of its promises."""

import copy
import ipaddress
import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from proxy.config.errors import ConfigErrors
from proxy.config.load import load

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "k8s/gateway.yaml").read_text()
KINDS = ("Secret", "ConfigMap", "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy")
FIRST, LATEST = "1.30", "1.37"
"""The first release that pauses before a stop without a shell and without a feature gate, and the newest at hand."""
KEYS = "/run/sidestep-keys"
ZEROS = ("0" * 64,)

DOCUMENTS = {document["kind"]: document for document in yaml.safe_load_all(TEXT)}
LABELS = {"app.kubernetes.io/name": "sidestep"}


@pytest.fixture
def pod():
    return DOCUMENTS["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture
def container(pod):
    [one] = pod["containers"]
    return one


def read(folder, key):
    """The ConfigMap's file as Sidestep reads it in a Pod, every key of the Secret set to `key`."""
    for name in DOCUMENTS["Secret"]["stringData"]:
        (folder / name).write_text(key)
    path = folder / "config.toml"
    path.write_text(DOCUMENTS["ConfigMap"]["data"]["config.toml"].replace(KEYS, str(folder)))
    return load(str(path), {})


@pytest.fixture
def config(tmp_path):
    return read(tmp_path, "k-test").config


def test_it_holds_what_a_gateway_needs():
    assert tuple(DOCUMENTS) == KINDS


@pytest.mark.parametrize("version", [FIRST, LATEST])
@pytest.mark.parametrize("kind", KINDS)
def test_every_document_fits_the_schemas_of_kubernetes(kind, version):
    """Strictly: a field that Kubernetes does not know fails too."""
    assert kubernetes_validate.validate(DOCUMENTS[kind], version, strict=True) == version


@pytest.mark.parametrize("kind", KINDS[2:])
def test_the_schema_check_finds_a_misspelled_field(kind):
    wrong = copy.deepcopy(DOCUMENTS[kind])
    wrong["spec"]["replica"] = 1
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(wrong, LATEST, strict=True)


def test_everything_speaks_of_the_same_pods():
    deployment = DOCUMENTS["Deployment"]["spec"]
    chosen = [
        deployment["selector"]["matchLabels"],
        deployment["template"]["metadata"]["labels"],
        deployment["template"]["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
        DOCUMENTS["Service"]["spec"]["selector"],
        DOCUMENTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        DOCUMENTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(labels == LABELS for labels in chosen)


def test_it_serves_other_machines_only_with_client_keys_and_an_admin_token(config):
    """Placeholders that no key fits: an example must not open an example's deployment."""
    assert (config.server.listen, config.server.admin) == ("0.0.0.0:4600", "0.0.0.0:4601")
    assert {client.key_sha256 for client in config.clients.values()} == {ZEROS}
    assert config.admin.token_sha256 == ZEROS


def test_without_its_clients_it_would_refuse_to_start(tmp_path):
    read(tmp_path, "k-test")
    file = tmp_path / "config.toml"
    file.write_text(re.sub(r"\[clients\.app\]\nkey_sha256 = .*", "", file.read_text()))
    with pytest.raises(ConfigErrors, match="clients must be configured"):
        load(str(file), {})


def test_the_service_leads_to_the_data_port_and_the_admin_port_is_not_announced(container, config):
    [port] = DOCUMENTS["Service"]["spec"]["ports"]
    named = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert named == {"http": 4600, "admin": 4601}
    assert config.server.listen.endswith(f":{named[port['targetPort']]}")
    assert port["port"] == 4600


def test_probes_ask_the_admin_port_over_http(container):
    """An image without a shell has nothing to exec, and liveness never depends on readiness."""
    asked = {name: container[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert asked == {
        "startupProbe": {"path": "/readyz", "port": "admin"},
        "readinessProbe": {"path": "/readyz", "port": "admin"},
        "livenessProbe": {"path": "/livez", "port": "admin"},
    }


def test_stopping_pauses_for_those_who_still_come_and_then_has_time_to_drain(pod, container, config):
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert 5 <= pause <= 10
    assert 60 <= config.server.drain_s <= 120
    assert pause + config.server.drain_s < pod["terminationGracePeriodSeconds"]


def test_no_update_and_no_drained_node_leaves_nobody_serving():
    deployment, budget = DOCUMENTS["Deployment"]["spec"], DOCUMENTS["PodDisruptionBudget"]["spec"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert deployment["replicas"] > budget["maxUnavailable"] > 0
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_it_has_no_privilege_at_all(pod, container):
    security = container["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] == security["runAsGroup"] == 65532, "the user of the image"
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["privileged"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["seccompProfile"] == pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"} & set(pod)


def test_all_it_may_write_is_a_small_folder_in_memory_and_the_state_folder(pod, container, dockerfile):
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert set(mounts) == {"/etc/sidestep", KEYS, "/tmp", "/var/lib/sidestep"}
    assert [path for path, mount in mounts.items() if not mount.get("readOnly")] == ["/tmp", "/var/lib/sidestep"]
    assert volumes[mounts["/tmp"]["name"]]["emptyDir"] == {"medium": "Memory", "sizeLimit": "16Mi"}
    assert volumes[mounts["/var/lib/sidestep"]["name"]]["emptyDir"] == {"sizeLimit": "1Gi"}
    assert any("SIDESTEP_STATE_DIR=/var/lib/sidestep " in one.text for one in dockerfile if one.word == "ENV")


def test_memory_requested_is_memory_limited_and_holds_what_the_limits_allow(container, config):
    resources = container["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    assert "cpu" not in resources["limits"]
    mebibytes = int(re.fullmatch(r"(\d+)Mi", resources["limits"]["memory"])[1])
    idle, streams = 70, config.limits.in_flight * 60 / 1024
    assert idle + streams + config.limits.buffered_bytes / 2**20 <= mebibytes


def test_the_providers_keys_are_files_of_the_secret_that_only_its_group_reads(pod, container):
    """So a key that is replaced is in use without a restart, and stands in no environment."""
    secret = DOCUMENTS["Secret"]
    assert not any(secret["stringData"].values())
    [volume] = [one["secret"] for one in pod["volumes"] if "secret" in one]
    assert volume == {"secretName": secret["metadata"]["name"], "defaultMode": 0o440}
    assert pod["securityContext"]["fsGroup"] == container["securityContext"]["runAsGroup"]
    named = re.findall(rf"file:{KEYS}/(\w+)", DOCUMENTS["ConfigMap"]["data"]["config.toml"])
    assert sorted(named) == sorted(secret["stringData"])
    assert "env" not in container


def test_a_changed_configuration_is_followed(config, container):
    """What is mounted by `subPath` never changes in a running Pod."""
    assert config.server.watch
    assert not any("subPath" in mount for mount in container["volumeMounts"])


def test_only_labelled_applications_and_prometheus_may_come_in():
    policy = DOCUMENTS["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    applications, monitoring = policy["ingress"]
    assert applications["from"] == [{"podSelector": {"matchLabels": {"sidestep-client": "true"}}}]
    assert [port["port"] for port in applications["ports"]] == ["http"]
    assert [port["port"] for port in monitoring["ports"]] == ["admin"]
    assert 'sidestep-client: "true"' in TEXT.split("apiVersion")[0], "how to use it says so"


@pytest.mark.parametrize("address", ["10.0.0.1", "172.20.0.1", "192.168.1.1", "169.254.169.254", "fd00::1", "fe80::1"])
def test_it_may_go_out_to_names_and_to_providers_and_nowhere_near(address):
    """A gateway that is talked into something reaches neither the cluster nor the machine's metadata."""
    names, providers = DOCUMENTS["NetworkPolicy"]["spec"]["egress"]
    assert {(port["protocol"], port["port"]) for port in names["ports"]} == {("UDP", 53), ("TCP", 53)}
    assert providers["ports"] == [{"protocol": "TCP", "port": 443}]
    assert not any(reaches(block["ipBlock"], address) for block in providers["to"])
    assert any(reaches(block["ipBlock"], "104.18.6.192") for block in providers["to"])
    assert any(reaches(block["ipBlock"], "2606:4700::1") for block in providers["to"])


def reaches(block, address):
    where = ipaddress.ip_address(address)
    within = where in ipaddress.ip_network(block["cidr"])
    return within and not any(where in ipaddress.ip_network(one) for one in block["except"])


def test_prometheus_finds_the_metrics():
    annotations = DOCUMENTS["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "4601",
        "prometheus.io/path": "/metrics",
    }


def test_its_configuration_needs_no_warning(tmp_path):
    assert read(tmp_path, "k-test").warnings == ()


def test_with_the_keys_left_empty_it_names_each_and_refuses_to_start(tmp_path):
    """The Secret ships without values, and a Pod must not come up half configured."""
    with pytest.raises(ConfigErrors) as refused:
        read(tmp_path, "")
    told = str(refused.value)
    assert all(name in told for name in DOCUMENTS["Secret"]["stringData"])


def test_it_runs_the_image_this_project_builds(container, dockerfile):
    [label] = [one.text for one in dockerfile if one.word == "LABEL"]
    [version] = re.findall(r'image\.version="([^"]+)"', label)
    assert container["image"].endswith(f"/sidestep:{version}")
    assert "command" not in container, "the image's own entry point"
    assert container["args"][0] == "serve"
