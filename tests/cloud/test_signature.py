"""Cloud API webhooks are signed as every receiver written for them checks."""

from __future__ import annotations

from gateway.cloud.signature import hub_signature


def test_the_signature_is_the_published_hmac_sha256_of_the_body() -> None:
    # The widely published vector of HMAC-SHA256.
    headers = hub_signature(body=b"The quick brown fox jumps over the lazy dog", secret="key")
    digest = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    assert headers == {"X-Hub-Signature-256": f"sha256={digest}"}


def test_another_secret_makes_another_signature() -> None:
    assert hub_signature(body=b"{}", secret="whsec_a") != hub_signature(body=b"{}", secret="whsec_b")
