"""The address guard: what it refuses by text and by address."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from gateway.kit.guard import AddressGuard, AddressRefusedError

REFUSED_ADDRESSES = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.0",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.0",
    "127.0.0.1",
    "127.0.0.2",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.255.255",
    "172.16.0.0",
    "172.16.0.1",
    "172.20.10.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.0.192",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.0.1",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.254",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:0.0.0.0",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:192.168.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:c0a8:1::1",
    "2620:4f:8000::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "fdff:ffff::1",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "febf::1",
    "fec0::1",
    "ff00::1",
    "ff02::1",
    "ff0e::1",
]

PUBLIC_ADDRESSES = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
]

REFUSED_URLS = [
    "",
    "hook",
    "//example.com/hook",
    "http://",
    "http:///hook",
    "https://:443/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "data:text/plain,hello",
    "unix:///run/docker.sock",
    "http://2130706433/",
    "http://134744072/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.01/",
    "http://0127.0.0.1/",
    "http://127.0.0.1./",
    "http://8.8.8.8./",
    "http://8.8.8/",
    "http://08.8.8.8/",
    "http://1.2.3.4.5/",
    "http://example.0x1/",
    "http://256.256.256.256/",
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    "http://①②⑦.0.0.1/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[2a00:1450:4001::1%25eth0]/",
    "http://[::1/",
    "http://[v1.fe80::a]/",
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://:secret@example.com/",
    "http://@example.com/",
    "http://8.8.8.8@127.0.0.1/",
    "http://127.0.0.1%2f@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://example.com:80@127.0.0.1/",
    "http://exam ple.com/",
    "http://example.com/a b",
    "http://example.com/\r\nHost: other",
    "http://example.com\x00.org/",
    "http://exa%6dple.com/",
    "http://example..com/",
    "http://.example.com/",
    "http://-example.com/",
    "http://example-.com/",
    "http://" + "a" * 64 + ".com/",
    "http://" + "a.b" * 100 + ".com/",
    "http://example.com/" + "a" * 2048,
    "http://example.com:0/",
    "http://example.com:22/",
    "http://example.com:6379/",
    "http://example.com:8080/",
    "http://example.com:99999/",
    "http://example.com:80:80/",
    "http://8.8.8.8:25/",
]

ACCEPTED_URLS = [
    "http://example.com",
    "HTTPS://EXAMPLE.COM/Hook",
    "https://example.com:443/hook?token=1#part",
    "http://example.com:80/",
    "http://example.com./",
    "https://under_score.example.com/",
    "https://bücher.example/",
    "https://xn--bcher-kva.example/",
    "https://example.com/a@b",
    "https://example.com/?mail=a@b",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]/",
    "https://1e100.net/",
    "https://0xample.com/",
]


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(AddressRefusedError):
        AddressGuard().check_address(ip_address(address), 443)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_a_public_address_is_permitted(address: str) -> None:
    AddressGuard().check_address(ip_address(address), 443)


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_is_refused_by_its_text(url: str) -> None:
    with pytest.raises(AddressRefusedError) as caught:
        AddressGuard().check_url(url)

    assert caught.value.code == "address_refused"
    assert caught.value.status == 422
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize("url", ACCEPTED_URLS)
def test_an_ordinary_url_is_accepted(url: str) -> None:
    AddressGuard().check_url(url)


def test_the_table_is_as_long_as_it_claims() -> None:
    assert len(REFUSED_ADDRESSES) + len(REFUSED_URLS) >= 120
    assert len(set(REFUSED_ADDRESSES)) == len(REFUSED_ADDRESSES)
    assert len(set(REFUSED_URLS)) == len(REFUSED_URLS)


def test_the_operators_networks_are_open_on_any_port_and_only_they() -> None:
    guard = AddressGuard(allow_networks=["127.0.0.0/8", "fd00::/8"])

    guard.check_address(ip_address("127.0.0.1"), 9009)
    guard.check_address(ip_address("fd00::5"), 5678)

    assert not guard.permits(ip_address("10.0.0.1"), 80)
    assert not guard.permits(ip_address("::1"), 80)
    assert not guard.permits(ip_address("8.8.8.8"), 9009)


def test_the_ports_can_be_chosen() -> None:
    guard = AddressGuard(ports=[8443])

    guard.check_url("https://example.com:8443/")
    with pytest.raises(AddressRefusedError, match="Port 443 is not permitted; these are: 8443"):
        guard.check_url("https://example.com/")


def test_a_name_on_another_port_is_left_to_the_connection_where_networks_are_open() -> None:
    guard = AddressGuard(allow_networks=["10.1.0.0/16"])

    assert guard.check_url("http://n8n.example:5678/hook").port == 5678


async def test_vetting_tells_early_what_a_name_leads_to() -> None:
    with pytest.raises(AddressRefusedError):
        await AddressGuard().vet("http://localhost/hook")

    await AddressGuard(allow_networks=["127.0.0.0/8", "::1/128"]).vet("http://localhost:9009/hook")
    await AddressGuard().vet("https://name-that-is-not-there.invalid/hook")
