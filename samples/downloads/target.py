"""Downloads with a blocking library, one after another; the network is a sleep, so that every run is the same.

Right advice: threads, many more than CPUs (the waits overlap and cost nothing); asyncio once there are hundreds.
"""

import time


def download(i):
    time.sleep(0.1 + 0.01 * (i % 3))
    return 1000 + i


def main():
    print(sum(download(i) for i in range(16)), "bytes")


if __name__ == "__main__":
    main()
