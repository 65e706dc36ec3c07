"""Guesses a password over UDP until nobody answers: five wrong ones, then as many as are still answered, some thirty a second.

    guesser.py ADDRESS     the address it guesses from; the server is at 127.0.0.1:5060
"""

import hashlib
import re
import socket
import sys
import time

SERVER = ("127.0.0.1", 5060)
ATTEMPTS = 5
# Longer than any answer takes on a busy machine, and how long is guessed at the most.
SILENCE_S = 0.3
PATIENCE_S = 15


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


class Guesser:
    def __init__(self, address):
        self.address = address
        self.sequence = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 5060))
        self.socket.settimeout(SILENCE_S)

    def register(self, credentials=""):
        self.sequence += 1
        lines = [
            "REGISTER sip:127.0.0.1 SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{self.sequence}",
            "Max-Forwards: 70",
            f"From: <sip:101@127.0.0.1>;tag={self.sequence}",
            "To: <sip:101@127.0.0.1>",
            f"Call-ID: guess@{self.address}",
            f"CSeq: {self.sequence} REGISTER",
            f"Contact: <sip:101@{self.address}>",
            *([credentials] if credentials else []),
            "Content-Length: 0",
        ]
        self.socket.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), SERVER)
        try:
            return self.socket.recv(65536).decode()
        except socket.timeout:
            return None

    def guess(self):
        """Whether both halves of one guess were answered."""
        challenge = self.register()
        if challenge is None:
            return False
        offers = re.findall(r"WWW-Authenticate: (.*)\r\n", challenge)
        offer = next(o for o in offers if "algorithm" not in o or "MD5" in o)
        said = dict(re.findall(r'(\w+)="([^"]*)"', offer))
        secret = md5(f"admin:{said['realm']}:wrong")
        wanted = md5("REGISTER:sip:127.0.0.1")
        response = md5(f"{secret}:{said['nonce']}:00000001:cn:auth:{wanted}")
        return self.register(
            f'Authorization: Digest username="admin", realm="{said["realm"]}", nonce="{said["nonce"]}", '
            f'uri="sip:127.0.0.1", response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="cn"'
        ) is not None


guesser = Guesser(sys.argv[1])
for number in range(ATTEMPTS):
    assert guesser.guess(), f"guess {number + 1} was not answered"
begin = last = time.monotonic()
answered = 0
while time.monotonic() - begin < PATIENCE_S and guesser.guess():
    answered += 1
    last = time.monotonic()
    time.sleep(0.03)
if answered:
    print(f"{guesser.address}: {answered} more guesses answered, the last {last - begin:.2f} s after the fifth")
else:
    print(f"{guesser.address}: nothing more answered after the fifth")
