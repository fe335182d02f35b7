"""TLS in front of a server, with a certificate of an authority of the tests' own."""

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Front:
    """Where it listens, and the file with the authority that clients must trust."""

    port: int
    authority: Path

    @property
    def domain(self) -> str:
        return f"localhost:{self.port}"


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=subject == issuer, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(by, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _context(folder: Path) -> ssl.SSLContext:
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    (folder / "authority.pem").write_bytes(
        _pem(_certificate("tests", authority, "tests", authority))
    )
    key = own.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "front.pem").write_bytes(
        key + _pem(_certificate("localhost", own, "tests", authority))
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "front.pem")
    return context


@contextmanager
def tls_front(port: int, folder: Path) -> Iterator[Front]:
    """Speak TLS on a free port for as long as the block lasts, and pass it on to `port`."""
    folder.mkdir()
    context = _context(folder)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(
            target=_accept, args=(listening, context, port), name="tls-front", daemon=True
        )
        accepting.start()
        yield Front(listening.getsockname()[1], folder / "authority.pem")
        listening.shutdown(socket.SHUT_RDWR)
        accepting.join()


def _accept(listening: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with contextlib.suppress(OSError), context.wrap_socket(connection, True) as there:
            _pass_on(there, port)


def _pass_on(there: ssl.SSLSocket, port: int) -> None:
    """Carry one request with its answer.  The server closes after it, as it is told to."""
    with socket.create_connection(("127.0.0.1", port)) as server:
        request = b""
        while b"\r\n\r\n" not in request:
            request += there.recv(65536)
        head, _, body = request.partition(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            ),
            0,
        )
        server.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
        while len(body) < length:
            more = there.recv(65536)
            body += more
            server.sendall(more)
        while answer := server.recv(65536):
            there.sendall(answer)
