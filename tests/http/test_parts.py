"""The parts of HTTP at their edges: URLs, proxies, what headers say of a file, waits, cookies, secrets."""

from __future__ import annotations

import errno
import gzip
import socket
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from mlhub_tui.auth import Auth, Scheme
from mlhub_tui.errors import (
    AuthenticationError,
    MLHubException,
    RequestError,
    RequestRefused,
    ServerError,
    ServerTimeout,
    ServerUnreachable,
    UnexpectedAnswer,
)
from mlhub_tui.http.client import HTTPClient, regional
from mlhub_tui.http.connect import ProxySettings, parse_proxy, trusted_context
from mlhub_tui.http.credentials import CookieJar, OriginCredentials
from mlhub_tui.http.errors import (
    COMMAND_RETRIES,
    BeingPrepared,
    ConnectTimeout,
    LinkRejected,
    LoginRequired,
    ProxyFailure,
    RetryPolicy,
    TLSFailure,
    connect_error,
    may_pass,
)
from mlhub_tui.http.representation import ContentRange, parse_content_range, raise_for_response
from mlhub_tui.http.response import Response
from mlhub_tui.http.urls import address, host_label, is_loopback, parse_url, redirect_target, shown
from mlhub_tui.http.versions import Checksum, RemoteVersion, checksums, remote_version, version_difference

from .scripted import Request, answering, serving
from .scripted import response as scripted_response

MD5, SHA = "00" * 16, "ff" * 32
MD5_64, SHA_64 = "AAAAAAAAAAAAAAAAAAAAAA==", "//////////////////////////////////////////8="

S3 = {"etag": f'"{MD5}"', "server": "AmazonS3"}
STORED = {"x-goog-hash": f"md5={MD5_64}", "x-goog-stored-content-encoding": "gzip"}


def response(status: int = 200, reason: str = "", length: int | None = None, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, reason, named, length, True, requested="https://h.test/a/x.tif?sig=s3cret")


def of_store(code: str, words: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{words}</Message></Error>".encode()


def summed(algorithm: str, value: str, *, guessed: bool = False) -> RemoteVersion:
    return RemoteVersion(checksums=(Checksum(algorithm, value, guessed),))


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("http://h.test", "http://h.test", "/"),
        ("HTTP://H.Test.:80/a?b=c#d", "http://h.test", "/a?b=c"),
        ("https://h.test:443?b", "https://h.test", "/?b"),
        ("https://h.test:80/", "https://h.test:80", "/"),
        ("http://h.test:65535/", "http://h.test:65535", "/"),
        ("http://h.test/a/./b/../c/..", "http://h.test", "/a/"),
        ("http://h.test/../a//b/.", "http://h.test", "/a//b/"),
        (" http://h.test/ü b?q=ü ", "http://h.test", "/%C3%BC%20b?q=%C3%BC"),
        ("http://h.test/%7e%zz", "http://h.test", "/%7e%zz"),
        ("http://[::1]:8080/x", "http://[::1]:8080", "/x"),
        ("http://[fe80::1%25eth0]/x", "http://[fe80::1]", "/x"),
        ("http://BÜCHER.test/", "http://xn--bcher-kva.test", "/"),
        ("http://b%C3%BCcher.test/", "http://xn--bcher-kva.test", "/"),
    ],
)
def test_a_url_is_requested_in_its_one_form(url: str, origin: str, target: str) -> None:
    parsed = parse_url(url)
    assert (str(parsed.origin), parsed.target, parsed.authorization) == (origin, target, "")
    assert parsed.path == target.partition("?")[0]


def test_an_address_is_connected_to_in_its_zone() -> None:
    assert parse_url("http://[fe80::1%25eth0]/x").origin.host == "fe80::1%eth0"


def test_user_information_becomes_credentials_and_is_not_shown() -> None:
    parsed = parse_url("http://us%40er:pa:ss@h.test/x")
    assert parsed.authorization == "Basic dXNAZXI6cGE6c3M="
    assert str(parsed) == "http://h.test/x"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h.test/x",
        "h.test/x",
        "http:///x",
        "http://h.test:0/",
        "http://h.test:65536/",
        "http://h..test/",
        "http://h.test/\x00",
        "http://[::1/x",
        "http://h.test:port/",
        "http://xn--iñvalid.test/",
    ],
)
def test_what_cannot_be_requested_is_refused(url: str) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        parse_url(url)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b?c", "http://h.test/b?c"),
        ("c", "http://h.test/a/c"),
        ("//o.test/c", "http://o.test/c"),
        ("https://o.test", "https://o.test/"),
        ("/Ã¼", "http://h.test/%C3%BC"),
        ("/ü", "http://h.test/%C3%BC"),
        ("file:///etc/passwd", None),
        ("/a\x00b", None),
        ("http://[", None),
    ],
)
def test_a_location_is_relative_to_what_was_requested(location: str, target: str | None) -> None:
    base = parse_url("http://h.test/a/b?key=s3cret")
    if target is not None:
        assert str(redirect_target(base, location)) == target
        return
    with pytest.raises(UnexpectedAnswer, match=r"^h\.test redirects to") as caught:
        redirect_target(base, location)
    assert "s3cret" not in f"{caught.value} {caught.value.url}"


def test_what_is_shown_of_a_url_has_no_secrets() -> None:
    assert address("http://u:p@h.test:1/a@b?key=1#f") == "http://h.test:1/a@b"
    assert host_label("http://u:p@h.test:1/a?key=1") == "h.test:1"
    assert (address("no url?x"), host_label("no url")) == ("no url", "")
    assert shown("https://u:p@h/x?key=a&sig=b&c=1\n\x1b") == "https://h/x?sig=…&c=1"


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({"http_proxy": "p.test"}, "http://h.test/", "http://p.test"),
        ({"http_proxy": "p.test"}, "https://h.test/", ""),
        ({"HTTPS_PROXY": "https://p.test:1 "}, "https://h.test/", "https://p.test:1"),
        ({"http_proxy": "small", "HTTP_PROXY": "large"}, "http://h.test/", "http://small"),
        ({"HTTP_PROXY": "p.test"}, "http://h.test/", "http://p.test"),
        ({"HTTP_PROXY": "p.test", "REQUEST_METHOD": "GET"}, "http://h.test/", ""),
        ({"HTTPS_PROXY": "p.test", "REQUEST_METHOD": "GET"}, "https://h.test/", "http://p.test"),
        ({"all_proxy": "socks5://p.test"}, "http://h.test/", "socks5://p.test"),
        ({"all_proxy": "a", "http_proxy": "b"}, "http://h.test/", "http://b"),
        ({"all_proxy": "a"}, "http://localhost/", ""),
        ({"all_proxy": "a"}, "http://127.0.0.2/", ""),
        ({"all_proxy": "a", "no_proxy": "*"}, "http://h.test/", ""),
        ({"all_proxy": "a", "NO_PROXY": "x.test, h.test"}, "http://h.test/", ""),
        ({"all_proxy": "a", "no_proxy": "h.test"}, "http://sub.h.test/", ""),
        ({"all_proxy": "a", "no_proxy": "h.test"}, "http://oh.test/", "http://a"),
        ({"all_proxy": "a", "no_proxy": ".h.test"}, "http://sub.h.test/", ""),
        ({"all_proxy": "a", "no_proxy": "*.h.test"}, "http://sub.h.test/", ""),
        ({"all_proxy": "a", "no_proxy": "h.test:80"}, "http://h.test/", ""),
        ({"all_proxy": "a", "no_proxy": "h.test:81"}, "http://h.test/", "http://a"),
        ({"all_proxy": "a", "no_proxy": "10.0.0.0/8"}, "http://10.1.2.3/", ""),
        ({"all_proxy": "a", "no_proxy": "10.0.0.0/8"}, "http://11.1.2.3/", "http://a"),
        ({"all_proxy": "a", "no_proxy": "10.0.0.1:81"}, "http://10.0.0.1/", "http://a"),
        ({"all_proxy": "a", "no_proxy": "10.0.0.1:80"}, "http://10.0.0.1/", ""),
        ({"all_proxy": "a", "no_proxy": "fd00::/8"}, "http://[fd00::1]/", ""),
        ({"all_proxy": "a", "no_proxy": "[fd00::1]:80"}, "http://[fd00::1]/", ""),
        ({"all_proxy": "a", "no_proxy": "h.test/8, [x] ,:80,."}, "http://h.test/", "http://a"),
    ],
)
def test_proxies_are_those_of_the_environment(environ: dict[str, str], url: str, proxy: str) -> None:
    settings, origin = ProxySettings(environ), parse_url(url).origin
    assert settings.url_for(origin) == proxy
    found = settings.for_origin(origin)
    assert (found is not None) is bool(proxy)
    assert settings.for_origin(origin) is found
    assert settings or not proxy


@pytest.mark.parametrize(
    ("url", "scheme", "label", "who"),
    [
        ("p.test", "http", "p.test:80", ("", "", "")),
        ("https://p.test/", "https", "p.test:443", ("", "", "")),
        ("socks://p.test", "socks5", "p.test:1080", ("", "", "")),
        ("socks5h://p.test", "socks5h", "p.test:1080", ("", "", "")),
        ("http://[::1]:3128", "http", "[::1]:3128", ("", "", "")),
        ("http://u%40:p%3A@p.test", "http", "p.test:80", ("u@", "p:", "Basic dUA6cDo=")),
        ("http://u@p.test", "http", "p.test:80", ("u", "", "Basic dTo=")),
        ("http://:@p.test", "http", "p.test:80", ("", "", "Basic Og==")),
    ],
)
def test_a_proxy_is_read_from_its_url(url: str, scheme: str, label: str, who: tuple[str, ...]) -> None:
    proxy = parse_proxy(url)
    assert (proxy.scheme, proxy.label, proxy.is_socks) == (scheme, label, scheme.startswith("socks"))
    assert (proxy.user, proxy.password, proxy.authorization) == who
    assert "p:" not in repr(proxy)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://u:s3cret@p.test",
        "socks4://p.test:1080",
        "http://u:s3cret@p test",
        "http://p.test:123456",
        "p.test:99999",
        "p.test:0",
    ],
)
def test_what_is_no_proxy_is_said_without_its_password(url: str) -> None:
    with pytest.raises(ProxyFailure, match="cannot be used") as caught:
        parse_proxy(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "here"),
    [("localhost", True), ("a.localhost", True), ("::1", True), ("127.1", True), ("127.0.0.1.test", False)],
)
def test_this_machine_needs_no_proxy(host: str, here: bool) -> None:
    assert is_loopback(host) is here


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("bytes 0-9/10", ContentRange(0, 9, 10)),
        ("bytes=0-9/*", ContentRange(0, 9, None)),
        ("Bytes */10", ContentRange(None, None, 10)),
        ("bytes 5-5/6", ContentRange(5, 5, 6)),
        ("bytes 0-10/10", None),
        ("bytes 5-4/10", None),
        ("items 0-9/10", None),
        ("", None),
        (None, None),
    ],
)
def test_a_range_is_read_where_it_makes_sense(value: str | None, found: ContentRange | None) -> None:
    assert parse_content_range(value) == found


@pytest.mark.parametrize(
    ("headers", "whole", "found"),
    [
        ({}, True, []),
        ({"content-md5": MD5_64}, True, [("md5", MD5, False)]),
        ({"content-md5": MD5_64}, False, []),
        ({"digest": f"SHA-256={SHA_64},md5={MD5_64}"}, True, [("sha-256", SHA, False), ("md5", MD5, False)]),
        ({"digest": f"sha-256={SHA_64}"}, False, []),
        ({"repr-digest": f"sha-256=:{SHA_64}:"}, False, [("sha-256", SHA, False)]),
        (
            {"digest": f"sha-512={'ab' * 64}, sha={'cd' * 20}"},
            True,
            [("sha-512", "ab" * 64, False), ("sha-1", "cd" * 20, False)],
        ),
        ({"repr-digest": f"sha256={SHA}"}, True, [("sha-256", SHA, False)]),
        ({"repr-digest": "sha-256=AAAA, unixsum=1"}, True, []),
        (
            {"x-goog-hash": f"crc32c=AAAAAA==,md5={MD5_64}"},
            False,
            [("crc32c", "00000000", False), ("md5", MD5, False)],
        ),
        (STORED, True, []),
        (STORED | {"content-encoding": "gzip"}, True, [("md5", MD5, False)]),
        ({"x-ms-blob-content-md5": MD5_64}, False, [("md5", MD5, False)]),
        ({"x-amz-checksum-sha256": SHA_64}, True, [("sha-256", SHA, False)]),
        ({"x-amz-checksum-sha256": f"{SHA_64}-2"}, True, []),
        ({"x-amz-checksum-sha256": SHA_64, "x-amz-checksum-type": "COMPOSITE"}, True, []),
        ({"x-amz-checksum-sha256": SHA_64, "content-range": "bytes 0-1/9"}, False, []),
        ({"x-amz-checksum-sha256": SHA_64}, False, [("sha-256", SHA, False)]),
        (S3, True, [("md5", MD5, True)]),
        ({"etag": f'W/"{MD5}"', "x-amz-request-id": "1"}, True, [("md5", MD5, True)]),
        ({"etag": f'"{MD5}"'}, True, []),
        ({"etag": f'"{MD5}-2"', "server": "AmazonS3"}, True, []),
        (S3 | {"x-amz-server-side-encryption": "aws:kms"}, True, []),
        (S3 | {"x-amz-server-side-encryption": "AES256"}, True, [("md5", MD5, True)]),
        (S3 | {"x-amz-server-side-encryption-customer-algorithm": "AES256"}, True, []),
        (S3 | {"content-md5": MD5_64}, True, [("md5", MD5, False)]),
    ],
)
def test_checksums_are_those_that_a_server_announces_of_the_whole_file(
    headers: dict[str, str], whole: bool, found: list[tuple[str, str, bool]]
) -> None:
    assert [(one.algorithm, one.value, one.guessed) for one in checksums(headers, whole)] == found


@pytest.mark.parametrize(
    ("version", "if_range", "identifiable"),
    [
        (RemoteVersion(etag='"a"'), '"a"', True),
        (RemoteVersion(etag='""'), "", True),
        (RemoteVersion(etag="a"), "", True),
        (RemoteVersion(etag='W/"a"'), "", False),
        (RemoteVersion(total=5), "", False),
        (RemoteVersion(modified="then"), "", True),
        (summed("md5", MD5), "", True),
        (summed("md5", MD5, guessed=True), "", False),
    ],
)
def test_a_version_is_told_from_others_by_what_is_certain(
    version: RemoteVersion, if_range: str, identifiable: bool
) -> None:
    asked = version.range_headers(0, 1).get("If-Range", "")
    assert (asked, version.is_identifiable) == (if_range, identifiable)


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (RemoteVersion(5), RemoteVersion(6), "its size changed from 5 to 6 bytes"),
        (RemoteVersion(5), RemoteVersion(None), ""),
        (RemoteVersion(None), RemoteVersion(6), ""),
        (RemoteVersion(etag='"a"'), RemoteVersion(etag='"b"'), "its ETag changed"),
        (RemoteVersion(etag='W/"a"'), RemoteVersion(etag="a"), ""),
        (RemoteVersion(etag='"a"'), RemoteVersion(), ""),
        (RemoteVersion(modified="1"), RemoteVersion(modified="2"), "its date of modification changed"),
        (RemoteVersion(modified="1"), RemoteVersion(modified=None), ""),
        (summed("md5", MD5), summed("md5", "11"), "its checksum changed"),
        (summed("md5", MD5), summed("sha-256", SHA), ""),
    ],
)
def test_two_versions_differ_in_what_both_say(before: RemoteVersion, now: RemoteVersion, words: str) -> None:
    assert version_difference(before, now) == words


def test_the_size_of_the_whole_file_is_read_from_either_response() -> None:
    assert remote_version(response(200, length=7, etag='"a"')) == RemoteVersion(7, '"a"')
    part = response(206, length=2, content_range="bytes 0-1/9", last_modified="then")
    assert remote_version(part) == RemoteVersion(9, None, "then")
    assert remote_version(response(416, length=2)).total is None


@pytest.mark.parametrize(
    ("made", "more", "kind", "words"),
    [
        (response(200), {}, None, ""),
        (response(206, content_type="image/tiff"), {}, None, ""),
        (
            response(200, content_type="Text/HTML; charset=x"),
            {},
            UnexpectedAnswer,
            "page in place of x",
        ),
        (response(200, content_type="text/html"), {"page": True}, None, ""),
        (response(304, "Not Modified"), {}, UnexpectedAnswer, "returned 304 Not Modified for x"),
        (response(200, content_type="multipart/byteranges"), {}, UnexpectedAnswer, "several ranges"),
        (response(202, retry_after="7"), {}, BeingPrepared, "x is being prepared by h.test (202)"),
        (response(401, "No"), {}, LoginRequired, "h.test asks for credentials (401) for x"),
        (response(401), {"key_sent": True}, AuthenticationError, "h.test returned 401 Unauthorized for x"),
        (response(403), {"key_sent": True}, LinkRejected, "403 Forbidden"),
        (response(404), {}, LinkRejected, "404 Not Found"),
        (response(407), {}, RequestRefused, "the proxy before h.test returned 407"),
        (response(511), {}, UnexpectedAnswer, "the network requires a login first"),
        (response(503, "Slow Down", retry_after="7"), {}, ServerError, "503 Slow Down for x"),
        (response(520), {}, ServerError, "h.test returned 520 for x"),
        (response(400, "key s3cret1"), {}, RequestRefused, "400 Bad Request for x"),
        (response(403), {"body": of_store("C", "It has expired")}, LinkRejected, "for x: It has expired"),
        (response(403), {"body": of_store("InvalidObjectState", "Cold")}, RequestRefused, "for x: Cold"),
        (response(400), {"body": b"<Error><Code>Slow</Code></Error>"}, RequestRefused, "for x: Slow"),
        (response(400), {"body": b' {"detail": "\\"no\\"\\nnow"}'}, RequestRefused, 'for x: "no" now'),
        (response(400, content_type="text/plain"), {"body": b"one\ntwo"}, RequestRefused, "for x: one"),
        (response(400), {"body": b"one\ntwo"}, RequestRefused, "400 Bad Request for x"),
    ],
)
def test_a_response_that_is_not_the_file_is_said_in_words(
    made: Response, more: dict[str, Any], kind: type[RequestError] | None, words: str
) -> None:
    if kind is None:
        raise_for_response(made, "x", **more)
        return
    with pytest.raises(RequestError) as caught:
        raise_for_response(made, "x", **more)
    error = caught.value
    assert type(error) is kind
    assert words in str(error)
    assert error.message.endswith(words) or ": " not in words
    assert (error.status, error.url) == (made.status, "https://h.test/a/x.tif")
    assert error.retry_after == (7.0 if "retry-after" in made.headers else None)
    assert "s3cret" not in str(error)


@pytest.mark.parametrize(
    "body", [b"Internal Server Error", b"internal server error.", b"500 Internal Server Error"]
)
def test_words_of_a_server_that_repeat_its_status_are_said_once(body: bytes) -> None:
    with pytest.raises(ServerError) as caught:
        raise_for_response(response(500, content_type="text/plain"), "x", body=body)
    assert caught.value.message == "h.test returned 500 Internal Server Error for x"


@pytest.mark.parametrize(
    ("policy", "failures", "elapsed", "after", "doubtful", "wait"),
    [
        (RetryPolicy(), 1, 0.0, None, False, 0.4),
        (RetryPolicy(), 2, 0.0, None, False, 0.8),
        (RetryPolicy(), 3, 0.0, None, False, None),
        (RetryPolicy(tries=None), 3, 0.0, None, False, 1.6),
        (RetryPolicy(tries=None), 40, 0.0, None, False, 4.0),
        (RetryPolicy(tries=None, doubtful_tries=2), 2, 0.0, None, True, None),
        (RetryPolicy(tries=None, doubtful_tries=2), 2, 0.0, None, False, 0.8),
        (RetryPolicy(), 1, 0.0, 5.0, False, 5.4),
        (RetryPolicy(), 1, 0.0, 5.1, False, None),
        (RetryPolicy(patience=9.0), 1, 0.0, 5.1, False, 5.4),
        (RetryPolicy(), 1, 0.0, 0.0, False, 0.4),
        (RetryPolicy(), 1, 9.6, None, False, 0.4),
        (RetryPolicy(), 1, 9.7, None, False, None),
        (RetryPolicy(budget=None), 1, 1e9, None, False, 0.4),
        (COMMAND_RETRIES, 5, 0.0, None, False, 16.0),
        (COMMAND_RETRIES, 6, 0.0, None, False, None),
        (COMMAND_RETRIES, 4, 0.0, None, True, None),
    ],
)
def test_waits_grow_until_patience_ends(
    policy: RetryPolicy,
    failures: int,
    elapsed: float,
    after: float | None,
    doubtful: bool,
    wait: float | None,
) -> None:
    found = replace(policy, random=lambda: 1.0).wait(failures, elapsed, after, doubtful=doubtful)
    assert found == (None if wait is None else pytest.approx(wait))


HOME = "https://api.test/v1/"


@pytest.mark.parametrize(
    ("auth", "url", "target", "headers"),
    [
        (Auth(), "https://api.test/x", "/x?key=s3cret%20%2F1", []),
        (Auth(), "https://api.test/x?a=1", "/x?a=1&key=s3cret%20%2F1", []),
        (Auth(), "https://api.test:444/x", "/x", []),
        (Auth(), "http://api.test/x", "/x", []),
        (Auth(Scheme.BEARER), "https://api.test/x", "/x", [("Authorization", "Bearer s3cret /1")]),
        (Auth(Scheme.BEARER), "https://o.test/x", "/x", []),
    ],
)
def test_a_secret_is_sent_to_its_own_origin_alone(
    auth: Auth, url: str, target: str, headers: list[tuple[str, str]]
) -> None:
    made = OriginCredentials(HOME, lambda: "s3cret /1", auth)
    sent, added = made.apply(parse_url(url))
    assert (sent.target, added) == (target, headers)
    assert OriginCredentials(HOME, lambda: None, auth).apply(parse_url(url)) == (parse_url(url), [])


def test_keys_that_a_server_wrote_into_its_own_urls_are_cut_out() -> None:
    made = OriginCredentials(HOME, lambda: None, names={"key"})
    for url, left in (("?key=1&a=2&KEY=3", "?a=2"), ("?key=1", ""), ("?a=2", "?a=2"), ("?%6bey=1&b", "?b")):
        assert made.without_keys(parse_url(f"https://api.test/x{url}")).target == f"/x{left}"
    other = parse_url("https://o.test/x?key=1")
    assert made.without_keys(other) == other


def cookies(*lines: str, url: str = "https://a.h.test/p/q") -> CookieJar:
    jar = CookieJar()
    jar.store(parse_url(url), "\n".join(lines))
    return jar


@pytest.mark.parametrize(
    ("line", "url", "sent"),
    [
        ("a=1", "https://a.h.test/p/r", "a=1"),
        ("a=1", "https://a.h.test/p", "a=1"),
        ("a=1", "https://a.h.test/pq", ""),
        ("a=1", "https://b.h.test/p/q", ""),
        ("a=1", "https://sub.a.h.test/p/q", ""),
        ("a=1; Domain=.h.test", "https://b.h.test/p/q", "a=1"),
        ("a=1; Domain=h.test", "https://xh.test/p/q", ""),
        ("a=1; Domain=a.h.test", "https://sub.a.h.test/p/q", "a=1"),
        ("a=1; Domain=o.test", "https://a.h.test/p/q", ""),
        ("a=1; Domain=test", "https://a.h.test/p/q", ""),
        ("a=1; Path=/", "https://a.h.test/x", "a=1"),
        ("a=1; Path=x", "https://a.h.test/x", ""),
        ("a=1; Secure", "https://a.h.test/p/q", "a=1"),
        ("a=1; Secure", "http://a.h.test/p/q", ""),
        ("a=1; Max-Age=9", "https://a.h.test/p/q", "a=1"),
        ("a=1; Max-Age=0", "https://a.h.test/p/q", ""),
        ("a=1; Max-Age=-9", "https://a.h.test/p/q", ""),
        ("a=1; Expires=Wed, 01 Jan 2020 00:00:09 GMT", "https://a.h.test/p/q", ""),
        ("a=1; Expires=Wed, 01 Jan 2020 00:00:09 GMT; Max-Age=9", "https://a.h.test/p/q", "a=1"),
        ("a=1; Expires=Fri, 01 Jan 2999 00:00:09 GMT", "https://a.h.test/p/q", "a=1"),
        ("alone", "https://a.h.test/p/q", "alone"),
        ("=", "https://a.h.test/p/q", ""),
        (f"a={'x' * 4094}", "https://a.h.test/p/q", f"a={'x' * 4094}"),
        (f"a={'x' * 4095}", "https://a.h.test/p/q", ""),
    ],
)
def test_a_cookie_goes_where_it_may(line: str, url: str, sent: str) -> None:
    assert cookies(line).header(parse_url(url)) == sent


def test_cookies_are_replaced_ordered_and_bounded() -> None:
    url = parse_url("https://a.h.test/p/q")
    assert cookies("a=1; Path=/", "b=2", "a=3; Path=/").header(url) == "b=2; a=3"
    assert len(cookies("a=1", "a=; Max-Age=0")) == 0
    many = cookies(*(f"c{number}=1" for number in range(66)))
    assert len(many) == 64
    assert "c1=" not in many.header(url) and "c2=1" in many.header(url)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (socket.gaierror(-2, "x"), ServerUnreachable, "cannot reach h.test: host not found (DNS)"),
        (ConnectionRefusedError(111, "x"), ServerUnreachable, "connection refused"),
        (ConnectionResetError(104, "x"), ServerUnreachable, "connection reset"),
        (OSError(f"Several: [Errno {errno.EHOSTUNREACH}] x"), ServerUnreachable, "no route to host"),
        (OSError("odd"), ServerUnreachable, "odd"),
        (TimeoutError(), ConnectTimeout, "h.test did not accept a connection in time"),
        (ServerError("own"), ServerError, "own"),
    ],
)
def test_why_nobody_was_reached_is_said(error: Exception, kind: type[RequestError], words: str) -> None:
    found = connect_error(error, "https://h.test/x?key=s3cret")
    assert type(found) is kind
    assert words in str(found)
    assert "ulimit" not in str(found.hint)
    behind = connect_error(error, "https://h.test/x", "p.test:1")
    assert isinstance(error, ServerError) or "cannot reach the proxy p.test:1 on the way to h.test" in str(
        behind
    )
    assert "s3cret" not in f"{found}{behind}"


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (TLSFailure("x", status=503), False),
        (LinkRejected("x", status=503), False),
        (ServerError("x", status=503), True),
        (RequestRefused("x", status=202), True),
        (RequestRefused("x", status=400), False),
        (ServerUnreachable("x"), True),
        (ServerTimeout("x"), True),
        (UnexpectedAnswer("x"), False),
    ],
)
def test_only_what_may_pass_is_repeated(error: RequestError, passes: bool) -> None:
    assert may_pass(error) is passes


def test_where_too_many_files_are_open_the_hint_is_how_to_open_more() -> None:
    found = connect_error(OSError(errno.EMFILE, "Too many open files"), "https://h.test/x")
    assert "too many open files" in found.message and "ulimit -n" in found.hint


@pytest.mark.parametrize(
    ("file", "folder", "words"),
    [
        ("good.pem", None, ""),
        (None, "folder", ""),
        ("good.pem", "folder", ""),
        ("missing.pem", None, "SSL_CERT_FILE is .*missing.pem: no such file"),
        ("folder", None, "SSL_CERT_FILE is .*folder: it is a folder"),
        ("garbage.pem", None, "SSL_CERT_FILE is .*garbage.pem: it holds no certificate in PEM"),
        ("broken.pem", None, "SSL_CERT_FILE is .*broken.pem: it holds no certificate in PEM"),
        (None, "missing", "SSL_CERT_DIR is .*missing: no such folder"),
        (None, "good.pem", "SSL_CERT_DIR is .*good.pem: no such folder"),
    ],
)
def test_certificates_are_those_that_the_environment_names(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    authority: trustme.CA,
    file: str | None,
    folder: str | None,
    words: str,
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "good.pem")
    (tmp_path / "garbage.pem").write_text("garbage")
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nnone\n")
    (tmp_path / "folder").mkdir()
    for name, value in (("SSL_CERT_FILE", file), ("SSL_CERT_DIR", folder)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, str(tmp_path / value))
    if words:
        with pytest.raises(TLSFailure, match=words) as caught:
            trusted_context()
        assert "correct or unset SSL_CERT_" in caught.value.hint
        return
    context = trusted_context()
    assert len(context.get_ca_certs()) == (0 if file is None else 1)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


async def test_what_cannot_be_sent_is_refused_before_anything_is(client: HTTPClient) -> None:
    with serving(answering(lambda request: made_of(request.headers))) as server:
        url = server.url.replace("//", "//u:p@")
        for name, value in (("Host", "x"), ("a b", "x"), ("a", "x\ny"), ("Content-Length", "1")):
            with pytest.raises(MLHubException, match="cannot be sent"):
                await client.fetch("GET", url, limit=9, headers={name: value})
        with pytest.raises(MLHubException, match="no request method"):
            await client.fetch("get", url, limit=9)
        assert server.requests == []
        _, body = await client.fetch("POST", url, limit=1000)
        assert b"authorization=Basic dTpw" in body and b"content-length=0" in body
        _, body = await client.fetch("GET", url, limit=1000, headers={"Accept": "a/b", "Authorization": "x"})
        assert b"accept=a/b" in body and b"authorization=x" in body
        assert b"accept-encoding=identity" in body and b"content-length" not in body
        _, body = await client.fetch("GET", server.url, limit=1000, cookies=cookies("a=1", url=server.url))
        assert b"cookie=a=1" in body


def made_of(headers: dict[str, str]) -> bytes:
    return scripted_response("\n".join(f"{name}={value}" for name, value in headers.items()).encode())


@pytest.mark.parametrize(
    ("limit", "encoded", "body", "complete"),
    [
        (5, False, b"12345", True),
        (4, False, b"1234", False),
        (5, True, b"12345", True),
        (4, True, b"1234", False),
    ],
)
async def test_a_fetch_takes_no_more_than_allowed(
    client: HTTPClient, limit: int, encoded: bool, body: bytes, complete: bool
) -> None:
    content = gzip.compress(b"12345") if encoded else b"12345"
    fields = ["Content-Encoding: gzip"] if encoded else []
    with serving(answering(lambda _: scripted_response(content, "200 OK", *fields))) as server:
        response, found = await client.fetch("GET", server.url, limit=limit)
        assert (found, response.complete) == (body, complete)
        raw = await client.fetch("GET", server.url, limit=99, decode=False)
        assert raw[1] == content


@pytest.mark.parametrize(("hops", "words"), [(10, ""), (11, "more than 10 times"), (-1, "in a circle")])
async def test_redirects_are_followed_up_to_a_number(client: HTTPClient, hops: int, words: str) -> None:
    def answer(request: Request) -> bytes:
        number = int(request.target[1:])
        if number == hops:
            return scripted_response(b"end")
        return scripted_response(b"", "302 Found", f"Location: /{(number + 1) if hops >= 0 else 1 - number}")

    with serving(answering(answer)) as server:
        if words:
            with pytest.raises(UnexpectedAnswer, match=f"redirects {words}"):
                await client.fetch("GET", f"{server.url}/0", limit=9)
        else:
            assert (await client.fetch("GET", f"{server.url}/0", limit=9))[1] == b"end"


async def test_only_harmless_headers_follow_to_another_origin(client: HTTPClient) -> None:
    sent = {"X-Secret": "s3cret", "Authorization": "s3cret", "Range": "bytes=0-1", "Accept": "a/b"}

    def answer(request: Request) -> bytes:
        if request.target == "/here":
            return scripted_response(b"", "302 Found", "Location: /own")
        if request.target == "/own":
            return scripted_response(b"", "302 Found", f"Location: {other.url}/other")
        return scripted_response(b"end")

    with serving(answering(answer)) as server, serving(answering(answer)) as other:
        _, body = await client.fetch("GET", f"{server.url}/here", limit=9, headers=sent)
        assert body == b"end"
        for request in server.requests:
            assert {name: request.headers[name.lower()] for name in sent} == sent
        [last] = other.requests
        assert (last.headers["range"], last.headers["accept"]) == ("bytes=0-1", "a/b")
        assert "s3cret" not in str(last.headers)


@pytest.mark.parametrize(
    ("status", "method"), [(303, "GET"), (307, "POST"), (308, "POST"), (302, "GET"), (301, "GET")]
)
async def test_a_redirect_makes_a_get_of_a_post_where_it_may(
    client: HTTPClient, status: int, method: str
) -> None:
    def answer(request: Request) -> bytes:
        if request.target == "/":
            return scripted_response(b"", f"{status} x", "Location: /end")
        return scripted_response(request.method.encode())

    with serving(answering(answer)) as server:
        sent = {"Content-Type": "application/json"}
        assert (await client.fetch("POST", f"{server.url}/", limit=9, headers=sent))[1] == method.encode()
        assert ("content-type" in server.requests[-1].headers) is (method == "POST"), "a GET has no content"
        head, _ = await client.fetch("HEAD", f"{server.url}/", limit=9)
        assert head.method == "HEAD"


@pytest.mark.parametrize(
    ("url", "region", "there"),
    [
        ("https://s3.amazonaws.com/a.b/k?x", "eu-west-1", "https://s3.eu-west-1.amazonaws.com/a.b/k?x"),
        ("https://s3.amazonaws.com/a.b/k", "", ""),
        ("https://s3.amazonaws.com/a.b/k", "evil.example/", ""),
        ("https://s3.eu-west-1.amazonaws.com/a.b/k", "eu-west-1", ""),
        ("https://evil.example/s3.amazonaws.com/k", "eu-west-1", ""),
    ],
)
def test_a_bucket_in_the_path_is_asked_for_in_its_region(url: str, region: str, there: str) -> None:
    assert str(regional(parse_url(url), region) or "") == there
