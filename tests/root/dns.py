#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: dns.py LISTEN NAME ADDRESS

A name server that knows one name; NXDOMAIN for the rest.
"""
import socket
import struct
import sys

listen, name, address = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((listen, 53))
while True:
    q, peer = s.recvfrom(512)
    at, labels = 12, []
    while q[at]:
        labels.append(q[at + 1:at + 1 + q[at]].decode())
        at += 1 + q[at]
    kind = struct.unpack(">H", q[at + 1:at + 3])[0]
    question = q[12:at + 5]
    known = ".".join(labels).lower() == name
    answer = b""
    if known and kind == 1:
        answer = (b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) +
                  socket.inet_aton(address))
    flags = 0x8180 if known else 0x8183
    s.sendto(q[:2] + struct.pack(">HHHHH", flags, 1, bool(answer), 0, 0) +
             question + answer, peer)
