"""Makes the vectors in this folder, from docs/protocol.md alone and with none of Writ's code: a second implementation.

    npm install && pip install 'cryptography>=43' && python3 test/vectors/make.py

Everything is deterministic: keys come from fixed seeds, Ed25519 is deterministic, ES256 is signed as in RFC 6979.
"""

import base64
import hashlib
import hmac
import json
import pathlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

here = pathlib.Path(__file__).parent
NOW = 1_900_000_000
DAY = 86_400


def b64(data):
    data = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha256(data):
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).digest()


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def nonce(name):
    return b64(sha256("nonce " + name)[:16])


class Key:
    def __init__(self, seed, alg="Ed25519"):
        self.alg, raw = alg, sha256("seed " + seed)
        if alg == "Ed25519":
            self.private = ed25519.Ed25519PrivateKey.from_private_bytes(raw)
            point = self.private.public_key().public_bytes(
                serialization.Encoding.Raw, serialization.PublicFormat.Raw
            )
            self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(point)}
            members = {"crv": "Ed25519", "kty": "OKP", "x": b64(point)}
        else:
            self.private = ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
            numbers = self.private.public_key().public_numbers()
            x, y = (b64(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
            self.jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
            members = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
        self.kid = b64(sha256(compact(members)))

    def sign(self, data):
        if self.alg == "Ed25519":
            return self.private.sign(data)
        der = self.private.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return b"".join(n.to_bytes(32, "big") for n in decode_dss_signature(der))

    def header(self, typ):
        return compact({"alg": self.alg, "kid": self.kid, "typ": typ})


def raw_jws(header, payload, key):
    data = f"{b64(header)}.{b64(payload)}"
    return f"{data}.{b64(key.sign(data.encode()))}"


def jws(typ, claims, key):
    return raw_jws(key.header(typ), compact(claims), key)


def h_of(token):
    return b64(sha256(token.rsplit(".", 1)[0]))


root, peer_root = Key("hub root"), Key("spoke root")
first, second, stranger = Key("first"), Key("second", "ES256"), Key("stranger")
# The published BIP-39 list; only its words are taken from the package.
wordlist = (here / "../../node_modules/@scure/bip39/wordlists/english.js").read_text().split("`")[1].split()
assert len(wordlist) == 2048


def six_words(kid):
    bits = bin(int.from_bytes(b"\1" + unb64(kid), "big"))[3:]
    return " ".join(wordlist[int(bits[n : n + 11], 2)] for n in range(0, 66, 11))


def save(name, about, **content):
    text = json.dumps({"about": about, **content}, indent=1, ensure_ascii=True)
    (here / f"{name}.json").write_text(text + "\n")


def okp(hex_y):
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(bytes.fromhex(hex_y))}


P = 2**255 - 19


def low_order():
    """The y of all points of order 1, 2, 4, 8, and what is not reduced, each with both signs of x."""
    d = -121665 * pow(121666, -1, P) % P

    def is_order_8(y):
        # 8T = 0 for T = (x, y) of order 8 means 2T has y = 0, that is x^2 = -y^2 on the curve.
        return (y * y - 1) * pow(d * y * y + 1, -1, P) % P == -y * y % P

    # d*y^4 + 2*y^2 - 1 = 0, solved for y^2 and then for y.
    def root_of(a):
        r = pow(a, (P + 3) // 8, P)
        r = r if r * r % P == a % P else r * pow(2, (P - 1) // 4, P) % P
        return r if r * r % P == a % P else None

    s = root_of(1 + d)
    squares = [(-1 + sign * s) * pow(d, -1, P) % P for sign in (1, -1)]
    order_8 = {y for q in squares if (r := root_of(q)) for y in (r, P - r) if is_order_8(y)}
    assert len(order_8) == 2
    for y in sorted({0, 1, P - 1, P, P + 1, 2**255 - 1} | order_8):
        for sign in (0, 1):
            yield (y | sign << 255).to_bytes(32, "little").hex()


def keys():
    valid = [
        {"name": name, "alg": key.alg, "jwk": key.jwk, "kid": key.kid, "words": six_words(key.kid)}
        for name, key in [("Ed25519", root), ("Ed25519, another", first), ("ES256", second)]
    ]
    x, ecx = root.jwk["x"], second.jwk["x"]
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    stray = x[:-1] + last[last.index(x[-1]) + 1]
    invalid = [{"name": f"low order or not reduced: {hex_y}", "jwk": okp(hex_y)} for hex_y in low_order()]
    invalid += [
        {"name": "padding", "jwk": {**root.jwk, "x": x + "="}},
        {"name": "stray bits", "jwk": {**root.jwk, "x": stray}},
        {"name": "31 bytes", "jwk": okp("07" * 31)},
        {"name": "33 bytes", "jwk": okp("07" * 33)},
        {"name": "X25519", "jwk": {**root.jwk, "crv": "X25519"}},
        {"name": "P-384", "jwk": {**second.jwk, "crv": "P-384"}},
        {"name": "a point off the curve", "jwk": {**second.jwk, "y": ecx}},
        {"name": "a private key", "jwk": {**root.jwk, "d": b64(sha256("d"))}},
        {"name": "an unknown member", "jwk": {**root.jwk, "use": "sig"}},
        {"name": "RSA", "jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}},
        {"name": "symmetric", "jwk": {"kty": "oct", "k": "c2VjcmV0"}},
    ]
    save("keys", "Public keys: thumbprint (RFC 7638) and six words of valid ones; a receiver refuses the others.", valid=valid, invalid=invalid)


def payloads():
    texts = {
        "duplicate member": '{"a":1,"a":2}',
        "duplicate member, once escaped": '{"a":1,"\\u0061":2}',
        "duplicate member deep inside": '[{"x":{"b":1,"b":1}}]',
        "__proto__": '{"__proto__":{}}',
        "fraction": "[1.5]",
        "integer with a fraction": "[1.0]",
        "exponent": "[1e2]",
        "infinite": '{"exp":1e999}',
        "minus zero": "[-0]",
        "2^53": "[9007199254740992]",
        "lone surrogate": '"\\ud800"',
        "byte order mark": "\ufeff{}",
        "two values": "{} {}",
        "trailing comma": "[1,]",
        "depth 17": "[" * 17 + "]" * 17,
        "10,001 elements": compact([0] * 10_001),
        "empty": "",
    }
    invalid = [{"name": name, "bytes": b64(text)} for name, text in texts.items()]
    for name, data in {"not UTF-8": b'"\xff"', "overlong": b'"\xc0\xaf"', "encoded surrogate": b'"\xed\xa0\x80"'}.items():
        invalid.append({"name": name, "bytes": b64(data)})
    values = {
        "nothing": {},
        "all kinds": {"s": "gr\u00fc\u00dfe \U0001f600", "n": -9007199254740991, "t": True, "f": False, "z": None, "l": [[]]},
        "text that looks like JSON": {"t": '{"a":1.5,"a":-0}', 'k":1.5': '\\"'},
    }
    valid = [{"name": name, "bytes": b64(compact(value)), "value": value} for name, value in values.items()]
    valid.append({"name": "white space", "bytes": b64(' { "a" : [ 1 , 2 ] }\n'), "value": {"a": [1, 2]}})
    valid.append({"name": "depth 16", "bytes": b64("[" * 16 + "]" * 16), "value": json.loads("[" * 16 + "]" * 16)})
    save("payloads", "Payload bytes in base64url: what they mean, or that they are refused.", valid=valid, invalid=invalid)


def tokens():
    typ, claims = "writ-cmd+jws", {"v": 1, "text": "gr\u00fc\u00dfe"}
    valid = []
    for key in (first, second):
        token = jws(typ, claims, key)
        valid.append({"name": key.alg, "typ": typ, "token": token, "kid": key.kid, "payload": claims, "h": h_of(token)})
    header, body = first.header(typ), compact(claims)
    token = jws(typ, claims, first)
    head, middle, signature = token.split(".")
    add = lambda member: header[:-1] + "," + member + "}"
    s = int.from_bytes(unb64(signature)[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    malleable = b64(unb64(signature)[:32] + s.to_bytes(32, "little"))
    bad = {
        "stray bits in the signature": token[:-1] + ("B" if token[-1] == "A" else chr(ord(token[-1]) + 1)),
        "padding": token + "==",
        "white space at the end": token + "\n",
        "no signature": f"{head}.{middle}.",
        "four parts": token + ".AAAA",
        "Ed25519 with S not reduced": f"{head}.{middle}.{malleable}",
        "another payload": f"{head}.{b64('{}')}.{signature}",
        "alg none": raw_jws(header.replace("Ed25519", "none"), body, first),
        "alg EdDSA": raw_jws(header.replace("Ed25519", "EdDSA"), body, first),
        "alg of another key": raw_jws(header.replace("Ed25519", "ES256"), body, second),
        "alg ES256 under an Ed25519 key": raw_jws(header.replace("Ed25519", "ES256"), body, first),
        "another order of header members": raw_jws(compact({"kid": first.kid, "alg": first.alg, "typ": typ}), body, first),
        "white space in the header": raw_jws(header.replace(",", ", "), body, first),
        "header member twice": raw_jws(add(f'"typ":"{typ}"'), body, first),
        "no kid": raw_jws(compact({"alg": first.alg, "typ": typ}), body, first),
        "no typ": raw_jws(compact({"alg": first.alg, "kid": first.kid}), body, first),
        "jwk": raw_jws(add('"jwk":' + compact(first.jwk)), body, first),
        "jku": raw_jws(add('"jku":"https://evil.example/"'), body, first),
        "x5c": raw_jws(add('"x5c":["AAAA"]'), body, first),
        "crit": raw_jws(add('"crit":["exp"]'), body, first),
        "b64 true": raw_jws(add('"b64":true'), body, first),
        "zip": raw_jws(add('"zip":"DEF"'), body, first),
        "typ in upper case": raw_jws(header.replace(typ, typ.upper()), body, first),
        "unknown typ": raw_jws(header.replace(typ, "writ-xyz+jws"), body, first),
        "another typ than the verifier takes": jws("writ-res+jws", claims, first),
        "unknown key": jws(typ, claims, stranger),
        "exp 1e999": raw_jws(header, '{"exp":1e999}', first),
        "payload member twice": raw_jws(header, '{"op":"a","op":"b"}', first),
    }
    invalid = [{"name": name, "token": value} for name, value in bad.items()]
    save("tokens", "Messages for a verifier that takes writ-cmd+jws and knows these keys (and no others).", typ=typ, keys=[first.jwk, second.jwk], valid=valid, invalid=invalid)


def statements():
    entry = {**first.jwk, "nbf": NOW, "exp": NOW + 30 * DAY}
    base = {"v": 1, "iss": root.kid, "ver": 3, "iat": NOW, "exp": NOW + 7 * DAY, "keys": [entry, {**second.jwk, "nbf": NOW + DAY, "exp": NOW + 2 * DAY}], "revoked": []}
    sign = lambda change, key=root: jws("writ-keys+jws", {**base, **change}, key)
    good, gone = sign({}), sign({"revoked": [{"kid": first.kid, "at": NOW - 5}]})
    case = lambda name, token, at, standing, speak: {"name": name, "token": token, "now": at, "standing": standing, "keys": speak}
    valid = [
        case("fresh", good, NOW, "current", [first.kid]),
        case("both keys within skew", good, NOW + DAY - 30, "current", [first.kid, second.kid]),
        case("second key ended", good, NOW + 2 * DAY + 31, "current", [first.kid]),
        case("last second", good, NOW + 7 * DAY + 30, "current", [first.kid]),
        case("run out, but for status and kill", good, NOW + 7 * DAY + 31, "stale", [first.kid]),
        case("revoked key", gone, NOW, "current", []),
    ]
    weak = {**okp("00" * 32), "nbf": NOW, "exp": NOW + DAY}
    bad = {
        "another root": (sign({}, peer_root), NOW),
        "another issuer": (sign({"iss": peer_root.kid}), NOW),
        "too long": (sign({"exp": NOW + 7 * DAY + 1}), NOW),
        "ends as it begins": (sign({"exp": NOW}), NOW),
        "31 s from the future": (good, NOW - 31),
        "run out for more than 24 h": (good, NOW + 8 * DAY + 31),
        "no keys": (sign({"keys": []}), NOW),
        "17 keys": (sign({"keys": [entry] * 17}), NOW),
        "a key twice": (sign({"keys": [entry, entry]}), NOW),
        "the root as a key": (sign({"keys": [{**root.jwk, "nbf": NOW, "exp": NOW + DAY}]}), NOW),
        "a low-order key": (sign({"keys": [weak]}), NOW),
        "a key without an end": (sign({"keys": [{**first.jwk, "nbf": NOW}]}), NOW),
        "an unknown claim": (sign({"aud": peer_root.kid}), NOW),
        "no ver": (jws("writ-keys+jws", {k: v for k, v in base.items() if k != "ver"}, root), NOW),
    }
    invalid = [{"name": name, "token": token, "now": at} for name, (token, at) in bad.items()]
    save("statements", "Key statements under the pinned root, read at `now` (epoch seconds); `keys` are the key ids that then speak.", root=root.jwk, valid=valid, invalid=invalid)


def claims():
    addressed = {"v": 1, "iss": root.kid, "aud": peer_root.kid, "jti": nonce("jti"), "iat": NOW}
    env = {**addressed, "con": nonce("con")}
    cmd = {"id": "a", "op": "agent.status", "args": {"agentId": "0190d5a8-7f31-8abc-9def-0123456789ab"}, "gv": 1}
    command = {**env, "exp": NOW + 60, "sn": nonce("sn"), "cmds": [cmd]}
    ref = {"jti": nonce("jti"), "h": b64(sha256("h"))}
    denied = {"type": "urn:writ:problem:latched", "title": "t", "status": 423, "code": "latched", "detail": "d", "next": "n"}
    result = {**env, "req": ref, "results": [{"id": "a", "st": "ok", "gv": 1, "body": {}}]}
    event = {**env, "epo": nonce("epo"), "seq": 1, "prev": ref["h"], "events": ["{}"]}
    ack = {**env, "epo": nonce("epo"), "seq": 0, "h": ref["h"]}
    hello = {**env, "exp": NOW + 60, "sn": nonce("sn"), "versions": [1], "ops": ["agent.spawn"], "replica": "r1", "half": {"state": "pending", "counter": 0}}
    pair = {"exp": NOW + 600, "invite": nonce("invite"), "mac": ref["h"], "root": peer_root.jwk, "keys": "token", "name": "acme"}
    request = {**addressed, **pair, "nonce": nonce("pair"), "link": {"kind": "outbound"}}
    response = {**env, **pair, "req": ref}
    ckpt = {**env, "n": 7, "h": ref["h"]}
    many = lambda n: [{**cmd, "id": f"c{i}"} for i in range(n)]
    good = [
        ("writ-cmd+jws", "one command", command),
        ("writ-cmd+jws", "64 commands", {**command, "cmds": many(64)}),
        ("writ-cmd+jws", "an effect with key and trace", {**command, "cmds": [{**cmd, "op": "agent.kill", "idk": "k", "trace": f"00-{'a' * 32}-{'b' * 16}-01"}]}),
        ("writ-cmd+jws", "an unknown operation", {**command, "cmds": [{**cmd, "op": "agent.dance"}]}),
        ("writ-res+jws", "ok", result),
        ("writ-res+jws", "denied", {**result, "results": [{"id": "a", "st": "denied", "code": "latched", "gv": 1, "body": denied}]}),
        ("writ-res+jws", "clock", {**env, "req": ref, "err": "clock", "diffS": -45}),
        ("writ-evt+jws", "one event", event),
        ("writ-evt+jws", "a heartbeat", {**event, "events": []}),
        ("writ-ack+jws", "nothing yet", ack),
        ("writ-ack+jws", "again", {**ack, "seq": 4, "again": True}),
        ("writ-hello+jws", "first", hello),
        ("writ-hello+jws", "of a spoke, with everything", {**hello, "re": nonce("re"), "gv": 2, "grant": {"operations": ["agent.status"]}, "journal": {"epo": nonce("epo"), "seq": 3, "h": ref["h"], "before": {"epo": nonce("old"), "seq": 9}}}),
        ("writ-pair-req+jws", "outbound", request),
        ("writ-pair-req+jws", "over a broker", {**request, "link": {"kind": "broker"}}),
        ("writ-pair-req+jws", "direct", {**request, "link": {"kind": "direct", "url": "https://spoke.example/writ/v1/messages"}}),
        ("writ-pair-res+jws", "answer", response),
        ("writ-ckpt+jws", "checkpoint", ckpt),
        ("writ-ckpt+jws", "countersigned", {**ckpt, "of": ref}),
    ]
    bad = [
        ("writ-cmd+jws", "no command", {**command, "cmds": []}),
        ("writ-cmd+jws", "65 commands", {**command, "cmds": many(65)}),
        ("writ-cmd+jws", "an id twice", {**command, "cmds": [cmd, cmd]}),
        ("writ-cmd+jws", "args that are a list", {**command, "cmds": [{**cmd, "args": []}]}),
        ("writ-cmd+jws", "a negative grant version", {**command, "cmds": [{**cmd, "gv": -1}]}),
        ("writ-cmd+jws", "no session", {k: v for k, v in command.items() if k != "sn"}),
        ("writ-cmd+jws", "audience in a list", {**command, "aud": [peer_root.kid]}),
        ("writ-cmd+jws", "version 2", {**command, "v": 2}),
        ("writ-cmd+jws", "an unknown claim", {**command, "nbf": NOW}),
        ("writ-cmd+jws", "a jti with stray bits", {**command, "jti": "A" * 21 + "B"}),
        ("writ-res+jws", "results and err", {**result, "err": "clock"}),
        ("writ-res+jws", "neither", {**env, "req": ref}),
        ("writ-res+jws", "an unknown code", {**result, "results": [{"id": "a", "st": "denied", "code": "nope", "gv": 1, "body": denied}]}),
        ("writ-res+jws", "a difference without clock", {**env, "req": ref, "err": "session", "diffS": 1}),
        ("writ-evt+jws", "an event that is no string", {**event, "events": [{}]}),
        ("writ-evt+jws", "257 events", {**event, "events": ["{}"] * 257}),
        ("writ-evt+jws", "sequence 0", {**event, "seq": 0}),
        ("writ-ack+jws", "again: false", {**ack, "again": False}),
        ("writ-hello+jws", "no versions", {**hello, "versions": []}),
        ("writ-hello+jws", "a grant without its version", {**hello, "grant": {"operations": []}}),
        ("writ-hello+jws", "a grant with a deny-list", {**hello, "gv": 1, "grant": {"operations": [], "denied": []}}),
        ("writ-pair-req+jws", "an ES256 root", {**request, "root": second.jwk}),
        ("writ-pair-req+jws", "a broker's address, which each side knows for itself", {**request, "link": {"kind": "broker", "url": "tls://broker.example"}}),
        ("writ-pair-req+jws", "a connection", {**request, "con": nonce("con")}),
        ("writ-pair-res+jws", "no connection", {k: v for k, v in response.items() if k != "con"}),
        ("writ-ckpt+jws", "a negative length", {**ckpt, "n": -1}),
    ]
    rows = lambda cases: [{"typ": typ, "name": name, "claims": value} for typ, name, value in cases]
    save("claims", "Claims of every message type: whether they have the shape of the protocol.", valid=rows(good), invalid=rows(bad))


def chain():
    con, epo = nonce("con"), nonce("epo")
    value = sha256(con + epo)
    values, events = [b64(value)], ['{"type":"agent.running"}', '{"text":"gr\u00fc\u00dfe \U0001f600"}', ""]
    for event in events:
        value = sha256(value + sha256(event))
        values.append(b64(value))
    save("chain", "values[n] = c(n).", con=con, epo=epo, events=events, values=values)


def uuid8(con, idk):
    data = bytearray(sha256(f"{con}.{idk}")[:16])
    data[6], data[8] = data[6] & 0x0F | 0x80, data[8] & 0x3F | 0x80
    text = data.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def agent_ids():
    cases = [{"con": nonce(c), "idk": idk, "agentId": uuid8(nonce(c), idk)} for c in ("con", "con 2") for idk in ("task-1", "~!{}")]
    save("agent-ids", "The id of an agent from connection and idempotency key.", cases=cases)


def pairing():
    content = {"name": "acme-hub", "url": "https://hub.example:8443", "hub": root.kid, "id": nonce("invite"), "secret": nonce("secret"), "ops": ["agent.status", "agent.spawn"], "exp": NOW + 900}
    met = {"name": content["name"], "url": content["url"], "broker": "tls://broker.example:4222", **content}
    line = lambda value, body=None: f"writ1.{body or b64(compact(value))}.{b64(sha256(body or b64(compact(value))))[:4]}"
    good = line(content)
    bad = {
        "wrong checksum": good[:-4] + "AAAA",
        "no checksum": good.rsplit(".", 1)[0],
        "another version": "writ2" + good[5:],
        "an unknown member": line({**content, "admin": True}),
        "a file for a URL": line({**content, "url": "file:///etc/passwd"}),
        "a broker that is no broker": line({**content, "broker": "https://hub.example"}),
        "a broker that is empty": line({**content, "broker": ""}),
        "an unknown operation": line({**content, "ops": ["agent.dance"]}),
        "a control character in the name": line({**content, "name": "\x1b[2J"}),
        "not JSON": line(None, b64("hub")),
    }
    secret, nonce16 = unb64(content["secret"]), nonce("pair")
    key = HKDF(hashes.SHA256(), 32, None, b"writ-pair-1").derive(secret)
    bound = b"".join(unb64(part) for part in (content["id"], root.kid, peer_root.kid, nonce16))
    mac = lambda role: b64(hmac.new(key, role + b"\0" + bound, hashlib.sha256).digest())
    save(
        "pairing",
        "Invite lines, and the MACs of both roles over one invite.",
        valid=[{"line": line(one), "invite": one} for one in (content, met)],
        invalid=[{"name": name, "line": value} for name, value in bad.items()],
        mac={"secret": content["secret"], "invite": content["id"], "hub": root.kid, "spoke": peer_root.kid, "nonce": nonce16, "ofSpoke": mac(b"spoke"), "ofHub": mac(b"hub")},
    )


def audit():
    """The log of a hub: key statements, a command and its result, a checkpoint that the spoke countersigns, a signed end."""
    con, theirs = nonce("con"), Key("spoke operational")
    stated = lambda key, by: jws("writ-keys+jws", {"v": 1, "iss": by.kid, "ver": 1, "iat": NOW, "exp": NOW + 7 * DAY, "keys": [{**key.jwk, "nbf": NOW, "exp": NOW + 8 * DAY}], "revoked": []}, by)
    said = lambda typ, key, iss, aud, name, at, **claims: jws(typ, {"v": 1, "iss": iss.kid, "aud": aud.kid, "con": con, "jti": nonce(name), "iat": at, **claims}, key)
    by_hub = lambda typ, name, at, **claims: said(typ, first, root, peer_root, name, at, **claims)
    by_spoke = lambda typ, name, at, **claims: said(typ, theirs, peer_root, root, name, at, **claims)
    cmd = {"id": "0", "op": "agents.kill", "args": {"reason": "stop"}, "idk": "k", "gv": 1}
    command = by_hub("writ-cmd+jws", "audit cmd", NOW + 1, exp=NOW + 61, sn=nonce("sn"), cmds=[cmd])
    body = {"killed": [], "alreadyEnded": [], "failed": [], "survivors": 0}
    answer = lambda name, value: by_spoke("writ-res+jws", name, NOW + 2, req={"jti": nonce("audit cmd"), "h": h_of(command)}, results=[{"id": "0", "st": "ok", "gv": 1, "body": value}])
    text = lambda kind, raw: compact({"kind": kind, "raw": raw, "at": "2030-03-17T17:46:41.000Z"})

    def log(entries, end=True):
        last, lines = b64(sha256("federation\0receipts\0" + con + "\0")), []
        lines.append(compact({"audit": 1, "con": con, "by": "hub", "hub": root.jwk, "spoke": peer_root.jwk, "base": {"n": 0, "h": last}}))
        for n, (kind, raw) in enumerate(entries, 1):
            raw = raw(n - 1, last) if callable(raw) else raw
            row = text(kind, raw)
            h = b64(sha256(unb64(last) + sha256(row)))
            lines.append(compact({"n": n, "prev": last, "h": h, "text": row}))
            last = h
        if end:
            lines.append(compact({"end": {"n": n, "h": last}, "checkpoint": by_hub("writ-ckpt+jws", "audit end", NOW + 9, n=n, h=last)}))
        return lines

    made = {}

    def checkpoint(n, h):
        made["own"] = by_hub("writ-ckpt+jws", "audit own", NOW + 3, n=n, h=h)
        return made["own"]

    of = lambda n, h: by_spoke("writ-ckpt+jws", "audit of", NOW + 4, n=3, h=b64(sha256("theirs")), of={"jti": nonce("audit own"), "h": h_of(made["own"])})
    entries = [("keys", stated(first, root)), ("keys", stated(theirs, peer_root)), ("command", command), ("result", answer("audit res", body)), ("checkpoint", checkpoint), ("checkpoint", of)]
    good = log(entries)
    swap = lambda a, b: [good[b] if i == a else good[a] if i == b else line for i, line in enumerate(good)]
    other = answer("audit other", {**body, "survivors": 1})
    case = lambda name, lines, fault, row: {"name": name, "lines": lines, "fault": fault, "row": row}
    invalid = [
        case("a text that was changed", good[:3] + [good[3].replace("17:46:41", "17:46:42")] + good[4:], "edited", 3),
        case("a row that is gone", good[:4] + good[5:], "dropped", 4),
        case("a row that comes twice", good[:3] + good[2:], "added", 2),
        case("two rows that changed places", swap(3, 4), "swapped", 3),
        case("rows gone from the end", good[:5] + good[-1:], "cut", 5),
        case("no end", good[:-1], "cut", 7),
        case("a chain made anew without a row", log(entries[:3] + [("checkpoint", made["own"]), ("checkpoint", of(0, ""))]), "edited", 1),
        case("a message that nobody signed", log(entries[:3] + [("result", answer("audit res", body)[:-4] + "AAAA")] + entries[4:]), "forged", 4),
        case("two results of one command", log(entries + [("result", other)]), "equivocation", 7),
    ]
    save("audit", "Exports of an audit log, line by line: whether they hold, and the first fault.", hub=root.kid, spoke=peer_root.kid, valid=[{"name": "a log", "lines": good, "countersignedThrough": 4}], invalid=invalid)


def bundles():
    agent, commit, base, other = "00000000-0000-8000-8000-00000000000a", "c" * 40, "b" * 40, "d" * 40
    facts = {"agentId": agent, "commit": commit, "base": base}
    mine = f"{commit} refs/heads/writ/{agent}\n"
    whole = lambda head, end="\nPACK\0\0\0\2", first="# v2 git bundle\n": (first + head + end).encode("latin-1")
    case = lambda name, data: {"name": name, **facts, "bytes": b64(data)}
    valid = [
        case("one prerequisite", whole(f"-{base} first\n{mine}")),
        case("a prerequisite without a subject", whole(f"-{base}\n{mine}")),
        case("more prerequisites", whole(f"-{other} older\n-{base} first\n{mine}")),
        case("a subject that is no UTF-8", whole(f"-{base} \xff\xfe\n{mine}")),
    ]
    invalid = [
        case("version 3", whole(f"@object-format=sha1\n-{base}\n{mine}", first="# v3 git bundle\n")),
        case("a bare pack", b"PACK\0\0\0\2"),
        case("no pack", whole(f"-{base}\n{mine}", "")),
        case("another commit", whole(f"-{base}\n{other} refs/heads/writ/{agent}\n")),
        case("another branch", whole(f"-{base}\n{commit} refs/heads/main\n")),
        case("a ref that climbs", whole(f"-{base}\n{commit} refs/heads/writ/{agent}/../../../hooks/x\n")),
        case("HEAD beside it", whole(f"-{base}\n{mine}{commit} HEAD\n")),
        case("no ref", whole(f"-{base}\n")),
        case("another base", whole(f"-{other}\n{mine}")),
        case("no base", whole(mine)),
    ]
    save("bundles", "Beginnings of git bundles: whether they are this agent's branch at that commit, above that base.", valid=valid, invalid=invalid)


for make in (keys, payloads, tokens, statements, claims, chain, agent_ids, pairing, audit, bundles):
    make()
