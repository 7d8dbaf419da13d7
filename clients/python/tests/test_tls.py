"""TLS between the package and a real manager, with a certificate for each side."""

from __future__ import annotations

import datetime
import ipaddress
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mcp_manager import Unavailable, create_manager


def certify(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for this machine that signs itself, and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return paths


async def test_both_sides_show_who_they_are(tmp_path: Path) -> None:
    (cert, key), (client_cert, client_key) = certify(tmp_path, "manager"), certify(tmp_path, "client")
    file = tmp_path / "manager.json"
    file.write_text(json.dumps({"grpcTls": {"cert": str(cert), "key": str(key), "clientCa": str(client_cert)}, "servers": {}}))
    trusted = {"ca_file": cert, "cert_file": client_cert, "key_file": client_key}
    async with create_manager({"embedded": True, "config_file": file, **trusted}) as manager:
        assert await manager.list_servers() == []
        address = f"https://{manager.address}"
        async with create_manager({"address": address, "api_key": manager.api_key, **trusted}) as other:
            assert await other.list_servers() == []
        async with create_manager({"address": address, "api_key": manager.api_key, "ca_file": cert, "retries": 0}) as nobody:
            with pytest.raises(Unavailable):
                await nobody.list_servers()
        async with create_manager({"address": address, "api_key": manager.api_key, "retries": 0}) as stranger:
            with pytest.raises(Unavailable):
                await stranger.list_servers()
