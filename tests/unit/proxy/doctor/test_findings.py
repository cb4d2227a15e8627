"""A finding is made by what it means."""

from proxy.doctor.findings import Finding, bad, good, left, odd


def test_each_way_to_make_a_finding_has_its_verdict():
    assert good("a", "dns", "there", 1.5) == Finding("a", "dns", "ok", "there", "", 1.5)
    assert bad("a", "dns", "gone", "Look.") == Finding("a", "dns", "fail", "gone", "Look.", None)
    assert odd("a", "tls", "soon", "Renew.", 2.0) == Finding("a", "tls", "warn", "soon", "Renew.", 2.0)
    assert left("a", "key", "not tried") == Finding("a", "key", "skip", "not tried", "", None)
