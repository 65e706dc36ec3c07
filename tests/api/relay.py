"""Relays TCP connections of the loopback to a Unix socket, so that a tool which speaks HTTP over TCP reaches DIR/control.sock.

    relay.py SOCKET     prints the port it took, and goes on until it is ended
"""

import socket
import sys
import threading


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
        try:
            end.shutdown(how)
        except OSError:
            pass


def serve(client, path):
    with client, socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        there = threading.Thread(target=copy, args=(client, server), daemon=True)
        there.start()
        copy(server, client)
        there.join()


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    client, _ = listener.accept()
    threading.Thread(target=serve, args=(client, sys.argv[1]), daemon=True).start()
