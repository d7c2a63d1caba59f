"""A process that answers orders: closed from anywhere, at any time, it ends once and quietly."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from factory.errors import FactoryError
from factory.isolation import DiedError
from factory.workers.beside import Beside
from factory.workers.job import OnBatch


class Echo:
    """Answers with what it is asked; `sleep` never comes back."""

    def answer(self, order: str, on_batch: OnBatch) -> str:
        on_batch(1)
        if order == "sleep":
            threading.Event().wait()
        return order

    def close(self) -> None:
        pass


def test_many_threads_may_close_at_once() -> None:
    for _ in range(5):
        beside = Beside("echo", Echo)
        assert beside.ask("hello", lambda _: None) == "hello"
        together = threading.Barrier(8)

        def close(beside: Beside = beside, together: threading.Barrier = together) -> None:
            together.wait()
            beside.close()

        with ThreadPoolExecutor(8) as pool:
            for turn in [pool.submit(close) for _ in range(8)]:
                turn.result()


def test_an_order_at_work_dies_when_another_thread_closes_and_no_order_follows() -> None:
    beside, begun, told = Beside("echo", Echo), threading.Event(), []

    def on_batch(count: int) -> None:
        told.append(count)
        begun.set()

    with ThreadPoolExecutor(1) as pool:
        order = pool.submit(beside.ask, "sleep", on_batch)
        assert begun.wait(60)
        beside.close()
        with pytest.raises(DiedError, match="SIGKILL"):
            order.result()
    assert sum(told) == 0
    with pytest.raises(FactoryError, match="'echo' has been closed"):
        beside.ask("hello", on_batch)
    beside.close()
