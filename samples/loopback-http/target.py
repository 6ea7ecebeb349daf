"""An HTTP client with a blocking library against a slow server on the loopback interface, one request after another.

Right advice: threads, many more than CPUs. The server is a child of this script, so its own waiting is in the tree too.
"""

import os
import subprocess
import sys
import urllib.request

REQUESTS = 24


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    server = subprocess.Popen([sys.executable, os.path.join(here, "server.py")], stdout=subprocess.PIPE)
    try:
        url = "http://127.0.0.1:%d/" % int(server.stdout.readline())
        # No proxy, whatever the environment says.
        client = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        def fetch(i):
            with client.open(url + str(i), timeout=30) as answer:
                return len(answer.read())

        print(sum(fetch(i) for i in range(REQUESTS)), "bytes")
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


if __name__ == "__main__":
    main()
