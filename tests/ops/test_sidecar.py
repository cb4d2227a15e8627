"""`k8s/sidecar.yaml` is what Kubernetes accepts, and keeps each of its promises."""

import copy
import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from proxy.config.errors import ConfigErrors
from proxy.config.listeners import Overrides
from proxy.config.load import load

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "k8s/sidecar.yaml").read_text()
KINDS = ("Secret", "ConfigMap", "Deployment")
FIRST, LATEST = "1.29", "1.37"
"""The first release that runs native sidecars without a feature gate, and the newest whose schemas are at hand."""

DOCUMENTS = {document["kind"]: document for document in yaml.safe_load_all(TEXT)}


@pytest.fixture
def pod():
    return DOCUMENTS["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture
def sidecar(pod):
    [container] = pod["initContainers"]
    return container


@pytest.fixture
def app(pod):
    [container] = pod["containers"]
    return container


def read(folder, key):
    """The ConfigMap's file as Sidestep reads it in a Pod, every variable of the Secret set to `key`."""
    path = folder / "config.toml"
    path.write_text(DOCUMENTS["ConfigMap"]["data"]["config.toml"])
    env = dict.fromkeys(DOCUMENTS["Secret"]["stringData"], key)
    return load(str(path), env, Overrides(admin="10.1.2.3:4601"))


@pytest.fixture
def config(tmp_path):
    return read(tmp_path, "k-test").config


def test_it_holds_a_secret_a_configuration_and_a_deployment():
    assert tuple(DOCUMENTS) == KINDS


@pytest.mark.parametrize("version", [FIRST, LATEST])
@pytest.mark.parametrize("kind", KINDS)
def test_every_document_fits_the_schemas_of_kubernetes(kind, version):
    """Strictly: a field that Kubernetes does not know fails too."""
    assert kubernetes_validate.validate(DOCUMENTS[kind], version, strict=True) == version


@pytest.mark.parametrize("version", [FIRST, LATEST])
def test_the_schema_check_finds_a_misspelled_field(version):
    wrong = copy.deepcopy(DOCUMENTS["Deployment"])
    wrong["spec"]["template"]["spec"]["initContainers"][0]["securityContext"]["readOnlyRootFileSystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="readOnlyRootFileSystem"):
        kubernetes_validate.validate(wrong, version, strict=True)


def test_it_is_a_native_sidecar_that_the_application_waits_for(sidecar):
    """restartPolicy Always makes an init container a sidecar; its startup probe holds the application back."""
    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["startupProbe"]["httpGet"] == {"path": "/readyz", "port": "admin"}


def test_probes_ask_the_admin_port_over_http(sidecar):
    """An image without a shell has nothing to exec, and liveness never depends on readiness."""
    assert sidecar["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "admin"}
    assert sidecar["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "admin"}
    assert {"name": "admin", "containerPort": 4601} in sidecar["ports"]


def test_the_admin_port_is_on_the_pods_address_with_a_token_for_what_is_not_a_probe(sidecar, config):
    """The kubelet and Prometheus come from outside the Pod's loopback."""
    args = sidecar["args"]
    assert args[args.index("--admin") + 1] == "$(POD_IP):4601"
    assert {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}} in sidecar["env"]
    assert config.admin.token_sha256


def test_the_data_port_is_on_the_loopback_only(sidecar, config):
    """So only the Pod's own containers reach it, and it is not announced."""
    assert config.server.listen == "127.0.0.1:4600"
    assert not {"--host", "--port"} & set(sidecar["args"])
    assert 4600 not in {port["containerPort"] for port in sidecar["ports"]}


def test_the_sidecar_has_no_privilege_at_all(pod, sidecar):
    security = sidecar["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] == 65532, "the user of the image"
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"} & set(pod)


def test_all_it_may_write_is_a_small_folder_in_memory_and_the_state_folder(pod, sidecar):
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: mount for mount in sidecar["volumeMounts"]}
    assert set(mounts) == {"/etc/sidestep", "/tmp", "/var/lib/sidestep"}
    assert mounts["/etc/sidestep"]["readOnly"] is True
    assert volumes[mounts["/tmp"]["name"]]["emptyDir"] == {"medium": "Memory", "sizeLimit": "16Mi"}
    assert volumes[mounts["/var/lib/sidestep"]["name"]]["emptyDir"] == {"sizeLimit": "1Gi"}


def test_memory_requested_is_memory_limited_and_holds_what_the_limits_allow(sidecar, config):
    resources = sidecar["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    assert "cpu" not in resources["limits"]
    mebibytes = int(re.fullmatch(r"(\d+)Mi", resources["limits"]["memory"])[1])
    idle, streams = 70, config.limits.in_flight * 60 / 1024
    assert idle + streams + config.limits.buffered_bytes / 2**20 <= mebibytes


def test_the_providers_keys_come_from_the_secret_and_stay_with_the_sidecar(sidecar, app):
    """Each by name; the application sees a placeholder, and the file itself holds no key."""
    secret = DOCUMENTS["Secret"]
    assert not any(secret["stringData"].values())
    refs = {
        entry["name"]: entry["valueFrom"]["secretKeyRef"]
        for entry in sidecar["env"]
        if "secretKeyRef" in entry.get("valueFrom", {})
    }
    name = secret["metadata"]["name"]
    assert refs == {key: {"name": name, "key": key} for key in secret["stringData"]}
    assert "secretKeyRef" not in str(app)


def test_the_application_changes_two_variables(app):
    env = {entry["name"]: entry["value"] for entry in app["env"]}
    assert env == {
        "OPENAI_BASE_URL": "http://127.0.0.1:4600/v1",
        "OPENAI_API_KEY": "unused-sidestep-holds-the-keys",
    }


def test_prometheus_finds_the_metrics():
    annotations = DOCUMENTS["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "4601",
        "prometheus.io/path": "/metrics",
    }


def test_stopping_leaves_time_to_drain_without_a_hook(pod, sidecar, config):
    """The signal comes after the application ended, so a preStop sleep would only waste the grace period."""
    assert "lifecycle" not in sidecar
    assert pod["terminationGracePeriodSeconds"] > config.server.drain_s


def test_a_changed_configuration_is_followed(config, sidecar):
    """What is mounted by `subPath` never changes in a running Pod."""
    assert config.server.watch
    assert not any("subPath" in mount for mount in sidecar["volumeMounts"])


def test_its_configuration_is_one_that_sidestep_starts_with(config):
    """A chain over two dialects, and embeddings with one vector space."""
    assert {len(route.chain) for route in config.models.values()} == {2}
    assert {config.providers[step.provider].dialect for step in config.models["gpt-4o"].chain} == {
        "openai-chat",
        "anthropic-messages",
    }
    assert set(config.embeddings) == {"text-embedding-3-small"}


def test_with_the_keys_left_empty_it_names_each_and_refuses_to_start(tmp_path):
    """The Secret ships without values, and a Pod must not come up half configured."""
    with pytest.raises(ConfigErrors) as refused:
        read(tmp_path, "")
    told = str(refused.value)
    assert all(name in told for name in DOCUMENTS["Secret"]["stringData"])


def test_its_configuration_needs_no_warning(tmp_path):
    assert read(tmp_path, "k-test").warnings == ()


def test_the_digest_it_ships_with_is_a_placeholder(config):
    """An example's digest must not open an example's deployment."""
    assert config.admin.token_sha256 == ("0" * 64,)


def test_it_runs_the_image_this_project_builds(sidecar, dockerfile):
    [label] = [one.text for one in dockerfile if one.word == "LABEL"]
    [version] = re.findall(r'image\.version="([^"]+)"', label)
    assert sidecar["image"].endswith(f"/sidestep:{version}")
    assert "command" not in sidecar, "the image's own entry point"
