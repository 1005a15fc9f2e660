"""A FastAPI service that answers at once and does the work in jobs; run as a program, it asks itself.

POST /counts {"text": "..."}   202, and where the job is
GET /jobs/ID?wait=SECONDS      its state, and what came of it
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

import bursar
from bursar import Engine, Fail, task

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

NOBODY = "00000000-0000-7000-8000-000000000000"
STATUS = {bursar.Invalid: 400, bursar.NotFound: 404, bursar.BudgetExceeded: 413}


class Text(BaseModel):
    text: str


@task(name="count_words", timeout="1m")
def count_words(text: str) -> dict[str, int]:
    counts = Counter(text.split())
    if not counts:
        raise Fail("there is no word in it")
    return dict(sorted(counts.items()))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    async with Engine("memory:", memory="64MB") as engine:
        app.state.engine = engine
        yield


app = FastAPI(lifespan=lifespan)


@app.exception_handler(bursar.Error)
async def refused(_: Request, error: Exception) -> JSONResponse:
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 503)
    return JSONResponse({"error": str(error)}, status)


@app.post("/counts", status_code=202)
async def submit(body: Text, response: Response) -> dict[str, str]:
    memory = max(1_000_000, 10 * len(body.text))
    job = await count_words.options(memory=memory).asubmit(body.text)
    response.headers["location"] = f"/jobs/{job.id}"
    return {"id": job.id}


@app.get("/jobs/{id}")
def status(id: str, request: Request, wait: float = 0) -> dict[str, Any]:
    # Not `async`: FastAPI calls this on a thread, where waiting keeps nobody else from going on.
    engine: Engine = request.app.state.engine
    job = engine.job(id)
    job.wait(timeout=wait)
    info = job.info()
    error = info.error.message if info.error else None
    return {"state": info.state, "result": info.result, "error": error}


@asynccontextmanager
async def serving() -> AsyncGenerator[str]:
    """Serves on a free port of this machine; gives the address."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await running


async def ask(client: httpx.AsyncClient, text: str) -> None:
    """Submits a text and shows what comes of it."""
    response = await client.post("/counts", json={"text": text})
    print(f"POST /counts: {response.status_code}")
    if response.status_code == 202:
        await look(client, response.headers["location"])
    else:
        print(f"  {response.json()['error']}")


async def look(client: httpx.AsyncClient, location: str) -> None:
    response = await client.get(location, params={"wait": 10})
    print(f"GET /jobs/ID: {response.status_code}")
    print(f"  {json.dumps(response.json(), separators=(',', ':'))}")


async def main() -> None:
    async with serving() as address, httpx.AsyncClient(base_url=address) as client:
        await ask(client, "to be or not to be")
        await ask(client, "")
        await ask(client, "a" * 10_000_000)
        await look(client, f"/jobs/{NOBODY}")


if __name__ == "__main__":
    asyncio.run(main())
