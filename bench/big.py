"""Writes a large core module: thousands of functions as a compiler makes them (address arithmetic, loads and stores, loops, branches,
calls), from a fixed seed. `run(n)` calls a handful of them, `all(n)` each once. component() puts some of that, data, names and interfaces into one component."""
import random

I32 = 0x7F
BYTES = 15_000_000


def leb(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def sleb(n):
    out = bytearray()
    while not -64 <= n < 64:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n & 0x7F)
    return bytes(out)


def section(number, content):
    return bytes([number]) + leb(len(content)) + content


def get(local):
    return b"\x20" + leb(local)


def const(n):
    return b"\x41" + sleb(n)


class Writer:
    """Bodies of the type (i32, i32) -> i32, with six more locals."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.locals = 8

    def local(self):
        return self.random.randrange(self.locals)

    def value(self, depth):
        kind = self.random.randrange(8) if depth else self.random.randrange(3)
        if kind < 2:
            return get(self.local())
        if kind == 2:
            return const(self.random.choice((0, 1, 2, 4, 8, 16, 255, -1, 1048576, self.random.randrange(1 << 20))))
        if kind < 6:
            return self.value(depth - 1) + self.value(depth - 1) + bytes([self.random.choice(b"\x6a\x6b\x6c\x71\x72\x73\x74\x76")])
        # An address within the first page, then i32.load or i32.load8_u.
        address = self.value(depth - 1) + const(0xFFF8) + b"\x71"
        return address + self.random.choice((b"\x28\x02", b"\x2d\x00")) + leb(self.random.choice((0, 4, 8, 12, 200)))

    def test(self):
        return get(self.local()) + self.value(1) + bytes([self.random.choice(b"\x46\x47\x48\x49\x4a\x4e")])

    def statement(self, depth, callee):
        kind = self.random.randrange(9 if depth else 6)
        if kind < 3:
            return self.value(2) + b"\x21" + leb(2 + self.random.randrange(self.locals - 2))
        if kind < 5:
            return get(self.local()) + const(0xFFF8) + b"\x71" + self.value(2) + b"\x36\x02" + leb(self.random.randrange(16) * 4)
        if kind == 5:
            # A call on a path that is seldom taken.
            return (get(0) + const(-self.random.randrange(1 << 30)) + b"\x46\x04\x40" + get(self.local()) + get(self.local()) +
                    b"\x10" + leb(callee()) + b"\x21" + leb(2) + b"\x0b")
        if kind == 6:
            return self.test() + b"\x04\x40" + self.block(depth - 1, callee) + b"\x05" + self.block(depth - 1, callee) + b"\x0b"
        return b"\x02\x40" + self.test() + b"\x0d\x00" + self.block(depth - 1, callee) + b"\x0b"

    def block(self, depth, callee):
        return b"".join(self.statement(depth, callee) for _ in range(self.random.randint(1, 4)))

    def body(self, callee):
        content = b"\x01\x06\x7f" + b"".join(self.statement(3, callee) for _ in range(8)) + get(0) + get(2) + b"\x6a\x0b"
        return leb(len(content)) + content


def module(size=BYTES, seed=1):
    w = Writer(seed)
    shapes = 400  # bodies are repeated beyond: making each anew would take longer than all that is measured
    bodies = [w.body(lambda: w.random.randrange(shapes)) for _ in range(shapes)]
    size -= sum(map(len, bodies))
    while size > 0:
        pick = w.random.choice(bodies[:shapes])
        bodies.append(pick)
        size -= len(pick)
    count = len(bodies)
    main = b"\x00" + b"".join(get(0) + const(i) + b"\x10" + leb(i * 7 % shapes) + b"\x1a" for i in range(8)) + get(0) + b"\x0b"
    bodies.append(leb(len(main)) + main)
    everything = b"\x00" + b"".join(get(0) + const(0) + b"\x10" + leb(i) + b"\x1a" for i in range(count)) + get(0) + b"\x0b"
    bodies.append(leb(len(everything)) + everything)
    types = b"\x02\x60\x02\x7f\x7f\x01\x7f\x60\x01\x7f\x01\x7f"
    return b"".join((
        b"\0asm\1\0\0\0",
        section(1, types),
        section(3, leb(count + 2) + b"\0" * count + b"\1\1"),
        section(5, b"\x01\x00\x11"),
        section(7, b"\x02\x03run\x00" + leb(count) + b"\x03all\x00" + leb(count + 1)),
        section(10, leb(count + 2) + b"".join(bodies)),
    ))


def many(count, in_table=False):
    """A module of so many functions that do nothing, for what each costs that is not called."""
    table = [section(4, b"\x01\x70\x00" + leb(count))] if in_table else []
    elements = [section(9, b"\x01\x00\x41\x00\x0b" + leb(count) + b"".join(leb(i) for i in range(count)))] if in_table else []
    return b"".join((b"\0asm\1\0\0\0", section(1, b"\x01\x60\x00\x00"), section(3, leb(count) + b"\0" * count), *table,
                     section(7, b"\x01\x03run\x00\x00"), *elements, section(10, leb(count) + b"\x02\x00\x0b" * count)))


def text(s):
    return leb(len(s)) + s.encode()


def dressed(size, seed):
    """A module with a data segment and a name section beside its code, as compilers leave it."""
    plain, r = module(size * 2 // 3, seed), random.Random(seed)
    data = bytes(r.choice(b"\0\0\0\0\1\2\x10 etaoinshr\n\xff") for _ in range(1 << 16)) * (size // 4 >> 16)
    functions = int(size / 2000)
    names = leb(functions) + b"".join(leb(i) + text(f"_ZN4core{i % 97}3fmt9Formatter{i}17h{i * 2654435761 % 2**32:08x}E") for i in range(functions))
    pages = len(data) // 65536 + 17
    head, memory, code = plain.partition(b"\x05\x03\x01\x00\x11")
    assert memory
    return (head + section(5, b"\x01\x00" + leb(pages)) + code + section(11, b"\x01\x00\x41\x80\x08\x0b" + leb(len(data)) + data) +
            section(0, text("name") + section(1, names)))


def component(size=24 << 20):
    """Modules of different sizes in one component that imports interfaces, lifts a function and exports it."""
    parts = [dressed(size * share // 100, seed) for seed, share in enumerate((70, 15, 10, 5), 1)]
    out = [b"\0asm\x0d\0\1\0"]
    for i in range(40):  # an interface: a record, and functions that take a list of it and give a string or nothing
        fields = leb(4) + b"".join(text(f"field-{i}-{k}") + bytes([0x73 + k]) for k in range(3)) + text("last") + b"\x79"
        decls = [b"\x01\x72" + fields, b"\x04" + b"\0" + text("entry") + b"\x03\x00\x00", b"\x01\x70\x01", b"\x01\x6b\x73",
                 b"\x01\x40" + leb(1) + text("list") + b"\x02\x00\x03"]
        decls += [b"\x04\0" + text(f"call-{k}") + b"\x01\x04" for k in range(20)]
        out.append(section(7, b"\x01\x42" + leb(len(decls)) + b"".join(decls)))
        out.append(section(10, b"\x01\0" + text(f"bench:big/interface-{i}@1.0.0") + b"\x05" + leb(i)))
    out += [section(1, part) for part in parts]
    out += [section(2, leb(len(parts)) + b"".join(b"\0" + leb(i) + b"\0" for i in range(len(parts)))),
            section(6, b"\x01\0\0\x01\0" + text("run")),
            section(7, b"\x01\x40\x01" + text("n") + b"\x79\0\x79"),
            section(8, b"\x01\0\0\0\0" + leb(40)),
            section(11, b"\x01\0" + text("run") + b"\x01\0\0")]
    return b"".join(out)
