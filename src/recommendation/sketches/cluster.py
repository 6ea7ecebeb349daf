from distributed import Client

CLUSTER = "{ADDRESS}"


def main():
    # A script's functions are sent to the workers; the packages it imports must be installed there.
    with Client(CLUSTER) as client, client.get_executor() as pool:
        results = list(pool.map(work, items))


if __name__ == "__main__":
    main()
