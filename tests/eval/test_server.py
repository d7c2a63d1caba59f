"""Answers of a model behind a server: asked in parallel, kept as they come, resumed after a failure."""

import base64
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from eval.errors import ModelError
from eval.generation import Request, Store, ask
from eval.generation.server import connect
from eval.measured import read_measured
from eval.recipe import DescribeTask, EvalRecipe, PopeTask, ServedModel
from eval.run import evaluate
from tests.eval.fakeserver import serve


def _model(url: str, **more: Any) -> ServedModel:
    return ServedModel(base_url=url, model="fake", max_retries=more.pop("max_retries", 0), **more)


def _parts(body: dict[str, Any]) -> tuple[bytes, str]:
    image, text = body["messages"][0]["content"]
    return base64.b64decode(image["image_url"]["url"].partition("base64,")[2]), text["text"]


def _requests(world: tuple[Path, Path], questions: str = "abcdef") -> list[Request]:
    image = sorted(world[0].iterdir())[0]
    return [Request(image, question, 7) for question in questions]


def test_answers_keep_the_order_of_the_requests_whichever_comes_first(world: tuple[Path, Path]) -> None:
    def slow_first(body: dict[str, Any], number: int) -> tuple[int, str]:
        time.sleep(0.2 if number == 0 else 0.0)
        return 200, _parts(body)[1].upper()

    with serve(slow_first) as seen:
        answers = list(connect(_model(seen.url, max_in_flight=4))(_requests(world)))
    assert answers == list("ABCDEF")


def test_the_server_gets_the_image_the_question_and_greedy_settings(world: tuple[Path, Path]) -> None:
    with serve(lambda *_: (200, "yes")) as seen:
        list(connect(_model(seen.url))(_requests(world, "a")))
    body = seen.bodies[0]
    image, text = _parts(body)
    assert (body["model"], body["max_tokens"], body["temperature"], text) == ("fake", 7, 0.0, "a")
    assert Image.open(io.BytesIO(image)).size == (24, 24)


def test_a_format_that_servers_do_not_know_is_sent_as_png(tmp_path: Path) -> None:
    Image.new("RGB", (5, 4)).save(tmp_path / "a.bmp")
    with serve(lambda *_: (200, "yes")) as seen:
        list(connect(_model(seen.url))([Request(tmp_path / "a.bmp", "a", 3)]))
    assert _parts(seen.bodies[0])[0].startswith(b"\x89PNG")


def test_a_server_that_dies_midway_costs_nothing_that_was_answered(
    world: tuple[Path, Path], tmp_path: Path
) -> None:
    def dies(body: dict[str, Any], number: int) -> tuple[int, str]:
        return (200, _parts(body)[1].upper()) if number < 3 else (500, "out of memory")

    requests = _requests(world)
    with (
        serve(dies) as seen,
        Store(tmp_path / "s.jsonl") as store,
        pytest.raises(ModelError, match=r"status 500.*out of memory"),
    ):
        ask(connect(_model(seen.url, max_in_flight=1)), requests, store)
    kept = len((tmp_path / "s.jsonl").read_text().splitlines())
    assert kept == 3
    with serve(lambda body, _: (200, _parts(body)[1].upper())) as again, Store(tmp_path / "s.jsonl") as store:
        # the address is another, the model the same
        assert ask(connect(_model(again.url)), requests, store) == list("ABCDEF")
        assert sorted(_parts(body)[1] for body in again.bodies) == ["d", "e", "f"]


def test_a_busy_server_is_asked_again(world: tuple[Path, Path]) -> None:
    with serve(lambda _, number: (503, "busy") if number == 0 else (200, "yes")) as seen:
        assert list(connect(_model(seen.url, max_retries=2))(_requests(world, "a"))) == ["yes"]


def test_an_answer_without_text_is_empty_and_counted(world: tuple[Path, Path], tmp_path: Path) -> None:
    with serve(lambda *_: (200, "")) as seen:
        evaluate(_recipe(_model(seen.url), world, tmp_path))
    settings = json.loads((tmp_path / "metrics.json").read_text())["settings"]
    assert (settings["empty_captions"], settings["empty_answers"]) == (6, 6 * 4 * 3)


def test_no_server_and_an_unknown_model_are_said_so(world: tuple[Path, Path]) -> None:
    with pytest.raises(ModelError, match=r"no answer from http://127.0.0.1:9/v1.*start the server"):
        connect(_model("http://127.0.0.1:9/v1"))
    with serve(lambda *_: (404, "no such model")) as seen:
        server = connect(_model(seen.url))
        with pytest.raises(
            ModelError, match=r"refused a request to model 'fake' with status 404.*model\.model"
        ):
            list(server(_requests(world, "a")))


def test_a_run_of_a_served_model_is_scored_like_any_other(world: tuple[Path, Path], tmp_path: Path) -> None:
    def answer(body: dict[str, Any], _: int) -> tuple[int, str]:
        return 200, "A red umbrella." if "Describe" in _parts(body)[1] else "Yes."

    with serve(answer) as seen:
        figures = evaluate(_recipe(_model(seen.url), world, tmp_path))
    assert figures["pope"]["random.yes_ratio"].value == 1.0
    assert figures["chair"]["words"].value == 4
    assert len(read_measured(tmp_path).captions.texts) == 6


def _recipe(model: ServedModel, world: tuple[Path, Path], out: Path) -> EvalRecipe:
    return EvalRecipe(
        model=model,
        images=str(world[0]),
        annotations=(str(world[1]),),
        describe=DescribeTask(max_new_tokens=12),
        pope=PopeTask(),
        resamples=20,
        output=str(out),
    )
