"""What one call of a provider process keeps for a later one."""

from concurrent.futures import ThreadPoolExecutor

from providers.protocol import memory
from providers.protocol.memory import Memory


def test_value_is_forgotten_when_it_is_taken() -> None:
    kept: Memory[int] = Memory()
    kept.put("a", 1)
    kept.put("a", 2)
    assert (kept.values(), kept.take("a"), kept.take("a")) == ([2], 2, None)


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    kept: Memory[int] = Memory()
    for number in range(memory._MOST + 1):
        kept.put(str(number), number)
    assert kept.take("0") is None
    assert kept.take("1") == 1


def test_only_the_first_of_many_threads_adds_a_value() -> None:
    memory: Memory[object] = Memory()
    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(lambda _: memory.add("key", object()), range(100)))
    assert kept.count(True) == 1
    assert memory.add("other", object())
