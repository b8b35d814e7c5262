"""Makes a container on an Azure emulator and puts files into it.

    container.py http://127.0.0.1:PORT CONTAINER FOLDER
"""
import base64
import email.utils
import hashlib
import hmac
import pathlib
import sys
import urllib.parse
import urllib.request

# What every emulator has; it is no secret.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

url, container, folder = sys.argv[1:]


def put(path, body=b"", query="", headers=None):
    """A request signed as Azure's Shared Key wants it."""
    headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-12-02", **(headers or {})}
    path = urllib.parse.quote(f"/{ACCOUNT}/{path}")
    named = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
    resource = f"/{ACCOUNT}{path}" + "".join(f"\n{part.replace('=', ':')}" for part in query.split("&") if part)
    length = str(len(body)) if body else ""
    kind = "application/octet-stream"
    text = f"PUT\n\n\n{length}\n\n{kind}\n\n\n\n\n\n\n{named}{resource}"
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)).decode()
    headers |= {"Authorization": f"SharedKey {ACCOUNT}:{signature}", "Content-Type": kind}
    target = f"{url}{path}" + (f"?{query}" if query else "")
    request = urllib.request.Request(target, data=body, headers=headers, method="PUT")
    urllib.request.urlopen(request).read()


put(container, query="restype=container")
for file in sorted(pathlib.Path(folder).rglob("*")):
    if file.is_file():
        name = file.relative_to(folder).as_posix()
        put(f"{container}/in/{name}", file.read_bytes(), headers={"x-ms-blob-type": "BlockBlob"})
