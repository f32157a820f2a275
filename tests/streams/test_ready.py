from streams.ready import NOT_READY, OVERHEAD, Ready

SIZE = 10
ROOM = OVERHEAD + SIZE


def offered(ready: Ready, *keys: str, size: int = SIZE, deleted: tuple[str, ...] = ()) -> None:
    for key in keys:
        ready.offer(key, key.upper(), size)
    ready.settle(deleted)


def test_a_value_is_had_once() -> None:
    ready = Ready()
    offered(ready, "a")
    assert ready.take("a") == "A"
    assert ready.take("a") is NOT_READY


def test_what_is_offered_counts_when_its_batch_ends() -> None:
    ready = Ready()
    ready.offer("a", "A", SIZE)
    assert ready.take("a") is NOT_READY
    ready.forget()
    ready.settle(())
    assert ready.take("a") is NOT_READY


def test_a_row_that_is_written_again_or_deleted_takes_its_value_along() -> None:
    ready = Ready()
    offered(ready, "a", "b")
    ready.offer("a", "new", SIZE)
    ready.settle(["b"])
    assert ready.take("a") == "new"
    assert ready.take("b") is NOT_READY


def test_the_oldest_go_and_large_rows_take_more_room() -> None:
    ready = Ready(3 * ROOM)
    offered(ready, "a", "b")
    offered(ready, "c", "d")
    assert len(ready) == 3
    assert ready.take("a") is NOT_READY
    offered(ready, "e", size=3 * ROOM - OVERHEAD)
    assert len(ready) == 1
    assert ready.take("e") == "E"


def test_a_batch_that_there_is_no_room_for_leaves_nothing() -> None:
    ready = Ready(3 * ROOM)
    offered(ready, "a")
    offered(ready, "a", "b", "c", "d")
    assert len(ready) == 0
    offered(ready, "a", "b", "c")
    assert len(ready) == 3
