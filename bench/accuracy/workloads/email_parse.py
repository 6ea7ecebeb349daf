"""Parses mail with several parts by the standard library: pure Python with many small objects."""

import email
import email.policy

from _kit import words

LABEL = {"class": "cpu-bound", "about": "e-mail, standard library"}
ITEMS = range(180)
PART = words(1500)
MAIL = (
    "From: a@example.org\nTo: b@example.org\nSubject: report\nMIME-Version: 1.0\n"
    'Content-Type: multipart/mixed; boundary="cut"\n\n'
    + "".join(f"--cut\nContent-Type: text/plain; charset=utf-8\nX-Number: {i}\n\n{PART}\n" for i in range(12))
    + "--cut--\n"
)


def task(item):
    message = email.message_from_string(MAIL, policy=email.policy.default)
    return sum(len(part.get_content().split()) for part in message.iter_parts()) + item


if __name__ == "__main__":
    results = [task(item) for item in ITEMS]
