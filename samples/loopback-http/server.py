"""The slow server of this sample: answers every request after 60 ms. Prints its port, then serves until it is ended,
or until nobody asked for 20 s, so that it does not outlive a client that was killed."""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Slow(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.06)
        body = b"page " * 200
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    timeout = 20

    def handle_timeout(self):
        sys.exit()


if __name__ == "__main__":
    with Server(("127.0.0.1", 0), Slow) as server:
        print(server.server_port, flush=True)
        while True:
            server.handle_request()
