"""Answers `re <question>`, with the usage that vLLM tells.

FAKE_VLLM_DIES_ON=WORD    the process is killed by a question that holds the word
FAKE_VLLM_DIES_ONCE=FILE  as long as the file exists, the first question removes it and kills the process
FAKE_VLLM_FAILS=TEXT      the process ends at once, saying the text
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._send(200, {"data": []})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = asked["messages"][-1]["content"]
        once = Path(os.environ.get("FAKE_VLLM_DIES_ONCE", "/nonexistent"))
        if os.environ.get("FAKE_VLLM_DIES_ON", "\0") in text or once.exists():
            once.unlink(missing_ok=True)
            os.kill(os.getpid(), signal.SIGKILL)
        answer = '{"entities": []}' if "response_format" in asked else f"re {text}"
        usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
        self._send(200, {
            "id": "1", "object": "chat.completion", "created": 0, "model": asked["model"],
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer}}
            ],
            "usage": {**usage, "prompt_tokens_details": {"cached_tokens": 8}},
        })  # fmt: skip

    def log_message(self, *_: Any) -> None:
        pass

    def _send(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True)
    options, others = parser.parse_known_args()
    sys.stdout.write(f"serving {options.model} with {' '.join(others)}\n")
    if failure := os.environ.get("FAKE_VLLM_FAILS"):
        sys.exit(failure)
    # a helper process, as the engine of the real one is: it must not be left behind
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    sys.stdout.write(f"pids {os.getpid()} {helper.pid}\n")
    sys.stdout.flush()
    ThreadingHTTPServer((options.host, options.port), Handler).serve_forever()
