"""A webhook receiver in thirty lines: checks the signature, prints what happened.

Run: python3 receiver.py PORT SECRET
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

PORT, SECRET = int(sys.argv[1]), sys.argv[2]


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            Webhook(SECRET).verify(body, dict(self.headers))
        except WebhookVerificationError:
            self.send_error(401)
            return
        self.send_response(204)
        self.end_headers()
        event = json.loads(body)
        print(event["type"], json.dumps(event["data"]), flush=True)

    def log_message(self, *args: object) -> None:
        """Keep the output to the events."""


HTTPServer(("127.0.0.1", PORT), Receiver).serve_forever()
