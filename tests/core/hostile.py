"""Values that someone who means harm might send: seeded, so that a failure can be had again."""

TEXTS = (
    "$(curl evil)",
    "`id`",
    "; rm -rf /",
    "' || true #",
    "${{ secrets.GITHUB_TOKEN }}",
    "{{ 7 * 7 }}",
    "%s%n{0.__class__}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "\u202egnp.exe",
    "\ud800",
    "flight-delay\0",
    "Flight-Delay",
    "flight\u2010delay",
    "flіght-delay",  # a Cyrillic i
    "alert/0123456789ABCDEF",
    "\n::set-output name=x::y",
    "::add-mask::",
    "x" * 70_000,
)


_PLAIN = (None, True, False, 0, 2, -1, 10**400, 1.0, 1e308)
_NO_NUMBERS = (float("nan"), float("inf"), float("-inf"))


def scalar(rng):
    kind = rng.randrange(4)
    if kind == 3:
        return "".join(map(chr, rng.choices(range(0x110000), k=rng.randrange(1, 30))))
    return rng.choice((TEXTS, _PLAIN, _NO_NUMBERS)[kind])


def nested(rng):
    deep = scalar(rng)
    depth = rng.choice([1, 3, 50, 1_500])
    for name in rng.choices([None, *TEXTS[:5]], [5, 1, 1, 1, 1, 1], k=depth):
        deep = [deep] if name is None else {name: deep}
    return deep
