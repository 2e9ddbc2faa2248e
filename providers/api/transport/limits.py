"""Every bound on what a service can make this program do, in one place. Seconds unless the name says otherwise.

No answer prolongs a wait, a list or an exchange beyond these, whatever it names: `Retry-After: 0`, a date that has
passed, a `nextLink` in a circle, an answer that trickles or grows. How long whole operations may take is the stack's.
"""

# One exchange, from the connection to the last byte of the answer.
READ_SECONDS = 100.0
CONNECT_SECONDS = 15.0
# Of an answer, unpacked: the largest page that was seen has 20 MB.
LARGEST_ANSWER_BYTES = 128 * 1024 * 1024
# Of a list that comes in pages.
MOST_PAGES = 10_000
# Of one call whose answers name waits; its patience (`Timing`) usually ends it before.
MOST_ATTEMPTS = 100
# Tries of one call when the service names no wait.
ATTEMPTS = 6
FIRST_DELAY = 1.0
LONGEST_DELAY = 20.0
# A wait that a service names is at least this long; it doubles with each try in a row.
SHORTEST_WAIT = 0.1
LONGEST_FLOOR = 10.0
# Nesting of JSON: real answers have less than twenty levels.
DEEPEST_JSON = 200
# How long the failure of a shared reading answers callers that come after it.
FAILURE_SECONDS = 5.0
# The longest text of a service in a message, in characters.
LONGEST_REASON = 300
# A call that stops working is told in its row, and stops, within this time of the signal.
STOP_CHECK_SECONDS = 1.0


def floor(tries: int, longest: float = LONGEST_FLOOR) -> float:
    """The shortest wait after so many tries in a row, from 1 on: it doubles up to `longest`."""
    return min(longest, SHORTEST_WAIT * 2.0 ** min(tries - 1, 60))
