# SPDX-License-Identifier: GPL-2.0
"""The private network of a cluster: a switch between the machines."""

import selectors
import socket
import struct
import threading

# QEMU puts the length of a frame before it.
LENGTH = struct.Struct("!I")
# The shortest frame that has both addresses and a type.
MIN_FRAME = 14
# Bytes that may wait for a machine that does not read. A real switch drops frames, too.
MAX_WAITING = 4 << 20
READ_BYTES = 256 << 10


class Link:
    """The switch's end of the cable to one machine."""

    def __init__(self, name, sock):
        self.name = name
        self.sock = sock
        self.received = bytearray()
        self.waiting = bytearray()
        # The events that the switch waits for.
        self.mask = selectors.EVENT_READ

    def frames(self):
        """Take the complete frames out of what was received, each with its length."""
        frames = []
        begin = 0
        while len(self.received) - begin >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self.received, begin)
            end = begin + LENGTH.size + length
            if len(self.received) < end:
                break
            if length >= MIN_FRAME:
                frames.append(bytes(self.received[begin:end]))
            begin = end
        del self.received[:begin]
        return frames

    def put(self, frame):
        """Let a frame wait until the machine reads it, or drop it."""
        if len(self.waiting) + len(frame) <= MAX_WAITING:
            self.waiting += frame

    def flush(self):
        """Send what waits, as much as the machine takes. Return True if some is left."""
        try:
            while self.waiting:
                del self.waiting[:self.sock.send(self.waiting)]
        except BlockingIOError:
            pass
        return bool(self.waiting)


class Switch(threading.Thread):
    """Forwards Ethernet frames between the machines, and learns their addresses."""

    def __init__(self):
        super().__init__(daemon=True)
        self.selector = selectors.DefaultSelector()
        # Guards the tables below and the selector.
        self.lock = threading.Lock()
        self.links = {}
        self.places = {}
        # Pairs of names between which no frame passes.
        self.cuts = set()
        self.wake, other = socket.socketpair()
        self.selector.register(other, selectors.EVENT_READ)
        self.start()

    def connect(self, name):
        """Return a socket for QEMU, whose other end is the link to the machine @name."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with self.lock:
            self.remove(name)
            self.links[name] = Link(name, ours)
            self.selector.register(ours, selectors.EVENT_READ, self.links[name])
        self.wake.send(b"x")
        return theirs

    def remove(self, name):
        """Forget the link to a machine. The caller holds the lock."""
        link = self.links.pop(name, None)
        if link:
            self.selector.unregister(link.sock)
            link.sock.close()

    def cut(self, one, others):
        """Let no frame pass between the machine @one and any of @others."""
        with self.lock:
            self.cuts |= {frozenset((one, other)) for other in others}

    def mend(self, one, others):
        """Let frames pass again."""
        with self.lock:
            self.cuts -= {frozenset((one, other)) for other in others}

    def run(self):
        while True:
            events = self.selector.select()
            with self.lock:
                for key, mask in events:
                    if key.data is None:
                        key.fileobj.recv(4096)
                    elif self.links.get(key.data.name) is key.data:
                        self.serve(key.data, mask)
                self.send_all()

    def serve(self, link, mask):
        """Forward what a machine sent."""
        if not mask & selectors.EVENT_READ:
            return
        try:
            data = link.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.remove(link.name)
            return
        link.received += data
        for frame in link.frames():
            self.forward(link, frame)

    def forward(self, link, frame):
        """Pass a frame to the machine that has its address, or to all others."""
        to, sender = frame[4:10], frame[10:16]
        self.places[sender] = link.name
        if to[0] & 1 or to not in self.places:
            targets = list(self.links.values())
        else:
            targets = [self.links.get(self.places[to])]
        for target in targets:
            if target and target is not link and \
                    frozenset((link.name, target.name)) not in self.cuts:
                target.put(frame)

    def send_all(self):
        """Send to each machine, and wait for those that do not read."""
        for link in list(self.links.values()):
            try:
                left = link.flush()
            except OSError:
                self.remove(link.name)
                continue
            mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if left else 0)
            if mask != link.mask:
                link.mask = mask
                self.selector.modify(link.sock, mask, link)
