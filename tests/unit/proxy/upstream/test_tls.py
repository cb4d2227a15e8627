"""Which certificates are trusted."""

import ssl

import pytest

from proxy.upstream import tls
from proxy.upstream.tls import client_context, own_certificates


def test_without_a_file_there_are_no_certificates_of_ones_own():
    assert own_certificates(None) == []


def test_every_certificate_of_a_file_is_read(certificates, tmp_path):
    one = certificates.ca_file.read_text()
    both = tmp_path / "both.pem"
    both.write_text("a comment\n" + one + "\n" + one)
    assert len(own_certificates(str(both))) == 2
    assert own_certificates(str(both))[0] == ssl.PEM_cert_to_DER_cert(one)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no certificate"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds a broken certificate"),
        ("-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n", "holds a broken certificate"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, text, says):
    path = tmp_path / "ca.pem"
    path.write_text(text)
    with pytest.raises(ValueError, match=says) as caught:
        own_certificates(str(path))
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        own_certificates(str(tmp_path / "missing.pem"))


def test_a_context_verifies_certificate_and_name(certificates):
    for context in (client_context(None), client_context(str(certificates.ca_file))):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


def test_the_systems_context_is_shared_and_one_with_own_certificates_is_not(certificates):
    assert client_context(None) is client_context(None)
    own = client_context(str(certificates.ca_file))
    assert own is not client_context(None)
    assert own is not client_context(str(certificates.ca_file))


def test_own_certificates_are_trusted_beside_the_systems(certificates):
    own = client_context(str(certificates.ca_file)).cert_store_stats()["x509_ca"]
    assert own == client_context(None).cert_store_stats()["x509_ca"] + 1


def test_a_python_that_knows_no_store_finds_the_distributions(certificates, monkeypatch):
    nowhere = ssl.DefaultVerifyPaths(None, None, "", "", "", "")
    monkeypatch.setattr(tls.ssl, "get_default_verify_paths", lambda: nowhere)
    monkeypatch.setattr(tls, "_USUAL", ("/nowhere.pem", str(certificates.ca_file)))
    found = tls._system().get_ca_certs(binary_form=True)
    assert ssl.PEM_cert_to_DER_cert(certificates.ca_file.read_text()) in found
