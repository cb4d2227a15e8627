"""One sentence for each failure, that says what to do and where."""

import re
import ssl

import pytest

from proxy.config.hidden import Secret
from proxy.config.values import EntraToken, GoogleToken, ManagedIdentity, ProviderKey, ServiceAccount
from proxy.doctor import advice
from translators.faults import Fault, Kind


@pytest.fixture
def alpha(kit):
    return kit.provider("https://alpha.test/v1")


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_fault_has_one_sentence_of_advice(alpha, kit, kind):
    told = advice.of_fault(Fault(kind=kind, message="x", status=401), alpha, kit.key())
    assert re.fullmatch(r"[A-Z][^.]+(\.[a-z0-9/][^.]*)*\.", told), told
    assert kit.canary not in told


def test_a_certificate_of_tomorrow_points_at_our_clock(alpha):
    error = ssl.SSLCertVerificationError()
    error.verify_code = advice.NOT_YET
    assert advice.not_trusted(error, alpha) == "Set this machine's clock, which is behind the certificate's first day."


@pytest.mark.parametrize(
    ("renewal", "told"),
    [
        (
            EntraToken("s", "t", "c", None, "/f"),
            (
                "Look at AZURE_TENANT_ID and AZURE_CLIENT_ID, and at AZURE_CLIENT_SECRET or the file that "
                "AZURE_FEDERATED_TOKEN_FILE names."
            ),
        ),
        (
            ManagedIdentity("r", ""),
            (
                "Give this machine or app a managed identity in Azure's portal; where it has several, say which in "
                "AZURE_CLIENT_ID."
            ),
        ),
        (
            ServiceAccount("a@b.test", "1", Secret("k")),
            (
                "See that the service account and its key are still there, or make the file that "
                "GOOGLE_APPLICATION_CREDENTIALS names anew (gcloud iam service-accounts keys create)."
            ),
        ),
        (
            GoogleToken(),
            "Give this machine or pod a service account, or name a credentials file in GOOGLE_APPLICATION_CREDENTIALS.",
        ),
        (
            GoogleToken("id", Secret("s"), Secret("r")),
            "Make the file that GOOGLE_APPLICATION_CREDENTIALS names anew (gcloud auth application-default login).",
        ),
    ],
)
def test_a_token_that_is_not_had_points_at_what_it_is_made_of(renewal, told):
    assert advice.no_token(ProviderKey("google:", None, renewal)) == told
