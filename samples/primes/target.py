"""Counting primes by trial division: computing in pure Python, which holds the GIL all the time.

Right advice: processes, one for each usable CPU (each call takes well over 100 ms, so handing it over costs nothing);
vectorising before that. Threads bring nothing.
"""


def primes_below(limit):
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, limit))


def main():
    print([primes_below(50_000 + 100 * i) for i in range(12)])


if __name__ == "__main__":
    main()
