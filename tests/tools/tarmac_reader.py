"""Tarmac as ARM-software/tarmac-trace-utilities read it: which words a line is made of, what may follow what, and which names
are registers to them (the rules of lib/parser.cpp and include/libtarmac/registers.hh). Only what a trace of AArch64 can have;
a line that they would refuse, or take for a text without a meaning, is Wrong here."""
import re

UNITS = ("clk", "ns", "cs", "cyc", "tic", "ps")
SETS = {"A": "A32", "T": "T32", "T16": "T32", "T32": "T32", "O": "A64"}
TOKEN = re.compile(r"\s*(?:([:()\[\],<>]|[A-Za-z0-9_.#-]+)|$)")
# By prefix: bytes of each, how many there are. One alone has no number behind its name.
REGISTERS = {"r": (4, 16), "w": (4, 31), "x": (8, 31), "wsp": (4, 1), "xsp": (8, 1), "v": (16, 32), "q": (16, 32), "d": (8, 32),
             "s": (4, 32), "z": (256, 32), "p": (16, 32), "psr": (4, 1), "fpscr": (4, 1), "fpcr": (4, 1), "fpsr": (4, 1),
             "vpr": (4, 1), "pc": (0, 1)}
ALIASES = {"msp": ("r", 13), "lr": ("r", 14), "cpsr": ("psr", 0)}
OPERATIONS = ("DC", "IC", "TLBI", "AT")


class Wrong(Exception):
    pass


class Words:
    def __init__(self, line):
        self.line, self.at = line, 0
        self.next()

    def next(self):
        m = TOKEN.match(self.line, self.at)
        if not m:
            raise Wrong(f"no word at column {self.at}")
        self.word, self.start, self.at = m[1] or "", m.start(1) if m[1] else m.end(), m.end()

    def take(self, pattern, what):
        word = self.word
        if not re.fullmatch(pattern, word):
            raise Wrong(f"expected {what} at column {self.start}, not {word!r}")
        self.next()
        return word

    def skip(self, word):
        if self.word != word:
            return False
        self.next()
        return True

    def physical(self):
        """":PA", with the name of its space."""
        if self.skip(":"):
            self.take("[0-9A-Fa-f]+(_N?S)?", "a physical address")


HEX = "[0-9A-Fa-f]+"


def instruction(w, event):
    bracketed = None
    if w.skip("("):
        bracketed = w.take(HEX, "a number")
        if w.skip(":"):
            bracketed = w.take(HEX, "a number")
        w.take(r"\)", "a parenthesis")
    address = w.take(HEX, "an address")
    w.physical()
    if w.word in SETS:  # the number in parentheses was the address
        address, word = bracketed, address
    else:
        word = w.take(HEX, "an encoding")
    state = SETS[w.take("|".join(SETS), "an instruction set")]
    w.take(r"[A-Za-z0-9_.#-]+", "a mode")
    if w.word != ":":
        raise Wrong("expected a colon before the text")
    w.next()
    return "insn", event != "IS", int(address, 16), state, 4 * len(word), int(word, 16), w.line[w.start:]


def known(name):
    """Prefix, number and bytes of a register that they follow; None: of another."""
    m = re.match("[^0-9_]*", name)
    prefix, suffix = m[0].lower(), name[m.end():]
    if prefix in REGISTERS:
        size, count = REGISTERS[prefix]
        digits = re.match("[0-9]*", suffix)[0]
        number = int(digits) if digits else 0
        if (not suffix and count == 1) or (suffix and count > 1 and number < count):
            return prefix, number, size
    if prefix == "e":
        return "x", int(re.match("[0-9]*", suffix)[0] or 0), 8
    if prefix in ALIASES:
        return *ALIASES[prefix], 4
    return None


def register(w, event):
    name = w.take(r"[A-Za-z0-9_.#-]+", "a register")
    if name in OPERATIONS:
        raise Wrong(f"{name} is an operation, and would be skipped with a warning")
    if w.skip("("):
        w.take(r"[A-Za-z0-9_.#-]+", "which of them")
        w.take(r"\)", "a parenthesis")
    value = "[0-9A-Fa-f_-]+"
    if name.lower() == "sp" or name.lower().startswith("sp_"):
        digits = w.take(value, "a value").replace("_", "")
        if len(digits) != 16:
            raise Wrong("a stack pointer of AArch64 has 16 digits")
        return "register", "xsp", 0, int(digits, 16)
    which = known(name)
    if not which:
        return "other", name  # nothing behind it is looked at
    prefix, number, size = which
    digits = w.take(value, "a value").replace("_", "")
    while len(digits) < 2 * size and w.word:
        digits += w.take(value, "the rest of a value").replace("_", "")
    if len(digits) != 2 * size:
        raise Wrong(f"{name} has {2 * size} digits, not {len(digits)}")
    return "register", prefix, number, int(digits, 16)


def memory(w, event):
    m = re.fullmatch(r"M([RW])([0-9]+)X?", event)
    if not m:
        raise Wrong(f"no access is called {event}")
    w.skip("X")
    address = w.take(HEX, "an address")
    w.physical()
    digits = w.take("[0-9A-Fa-f_]+", "a value").replace("_", "")
    if len(digits) > 16:
        raise Wrong("they read no values above 64 bits")
    return "memory", m[1], int(m[2]), int(address, 16), int(digits, 16)


def exception(w, event):
    if w.word.startswith("DebugEvent_"):
        raise Wrong("an event of the debugger is not an exception")
    return ("exception",)


EVENTS = ((r"I[TSF]", instruction), (r"R", register), (r"M.*", memory), (r"E", exception))


def read(line):
    """(time, what it says). Raises Wrong."""
    w = Words(line)
    time = int(w.take("[0-9]+", "a time"))
    if w.word in UNITS:
        w.next()
    if w.word.startswith("cpu"):
        w.next()
    event = w.word
    for pattern, reader in EVENTS:
        if re.fullmatch(pattern, event):
            w.next()
            return time, reader(w, event)
    raise Wrong(f"{event!r} would be a text without a meaning")
