"""Where the workers of a pool meet before the first task, so that starting them can be told from running them."""


def meet(ready, gate):
    """Says that this worker is there, and waits until all the others are too.

    By named pipes, the one thing that threads, interpreters and processes of every start method can all open.
    """
    with open(ready, "wb", buffering=0) as pipe:
        pipe.write(b".")
    with open(gate, "rb", buffering=0) as pipe:
        pipe.read(1)
