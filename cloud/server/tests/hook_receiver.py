"""Receives webhooks over HTTPS, checks each signature as Standard Webhooks says, and writes a line for each that is right.

python3 hook_receiver.py CERTIFICATE KEY FOLDER: the port stands in FOLDER/port, the secret is read from FOLDER/secret, what came is
written to FOLDER/told. The first try of each delivery is answered with 503, so that it has to come again.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import ssl
import sys
import time

certificate, key, folder = sys.argv[1:]
seen = set()


def secret():
    with open(os.path.join(folder, "secret")) as file:
        text = file.read().strip()
    assert text.startswith("whsec_"), text
    return base64.b64decode(text.removeprefix("whsec_"), validate=True)


def write(line):
    with open(os.path.join(folder, "told"), "a") as file:
        file.write(json.dumps(line) + "\n")


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        mark, at = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        signed = f"{mark}.{at}.".encode() + body
        wanted = base64.b64encode(hmac.new(secret(), signed, hashlib.sha256).digest()).decode()
        version, signature = self.headers["webhook-signature"].split(",")
        right = version == "v1" and hmac.compare_digest(signature, wanted) and abs(time.time() - int(at)) < 60
        again = mark in seen
        seen.add(mark)
        told = json.loads(body)
        write({"right": right, "again": again, "same": told["id"] == mark, "told": told, "type": self.headers["Content-Type"]})
        self.send_response(204 if again else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
with open(os.path.join(folder, "port.new"), "w") as file:
    file.write(str(server.server_address[1]))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
server.serve_forever()
