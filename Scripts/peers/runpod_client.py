#!/usr/bin/env python3
"""Uses a server through RunPod's own Python client, as a program written for an endpoint there does.

    RUNPOD_ENDPOINT_BASE_URL=http://127.0.0.1:PORT/v2 RUNPOD_API_KEY=KEY Scripts/peers/runpod_client.py

Writes one JSON object with what the client returned. The server's painter is the tests' own: the prompt `hold` waits until
it is cancelled, `many` takes its time, `fail` fails.
"""

import asyncio
import json
import os
import time

import requests
import runpod
from runpod.http_client import AsyncClientSession

PICTURE = {"task_type": "text-to-image", "prompt": "a cat", "seed": 11, "numImages": 2, "baseModel": "anime"}


def wait_for(job, *statuses):
    """The job's status once it is one of these, or after ten seconds."""
    for _ in range(200):
        status = job.status()
        if status in statuses:
            return status
        time.sleep(0.05)
    return job.status()


def refused(call):
    """What a call that must fail says."""
    try:
        call()
    except requests.HTTPError as error:
        return {"code": error.response.status_code, "body": error.response.json()}
    except RuntimeError as error:
        return {"message": str(error)}
    return None


def with_the_client():
    endpoint = runpod.Endpoint("gesso")
    report = {"health": endpoint.health(), "run_sync": endpoint.run_sync(PICTURE, timeout=60)}

    job = endpoint.run({"input": PICTURE})
    report["first_status"] = job.status()
    report["output"] = job.output(timeout=60)
    report["last_status"] = job.status()

    job = endpoint.run({"prompt": "many", "steps": 200})
    report["stream"] = list(job.stream())

    job = endpoint.run({"prompt": "hold"})
    report["held"] = wait_for(job, "IN_PROGRESS")
    waiting = endpoint.run({"prompt": "next in line"})
    report["purged"] = endpoint.purge_queue()
    report["purged_status"] = wait_for(waiting, "CANCELLED")
    report["cancel"] = job.cancel()
    report["cancelled"] = wait_for(job, "CANCELLED")
    # A client of this kind reads a cancelled job's stream for ever, unless it is told that the job failed.
    report["cancelled_stream"] = list(job.stream())

    report["failed"] = endpoint.run_sync({"prompt": "fail"}, timeout=60)
    report["empty"] = refused(lambda: endpoint.run({"input": {}}))
    report["bad"] = refused(lambda: endpoint.run_sync({"prompt": "a", "width": "wide"}))
    report["stranger"] = refused(lambda: runpod.Endpoint("gesso", api_key="wrong").health())
    return report


async def with_the_asyncio_client():
    async with AsyncClientSession() as session:
        endpoint = runpod.AsyncioEndpoint("gesso", session)
        report = {"health": await endpoint.health()}
        job = await endpoint.run(PICTURE)
        report["output"] = await job.output(timeout=60)
        report["status"] = await job.status()

        job = await endpoint.run({"prompt": "many", "steps": 200})
        report["stream"] = [piece async for piece in job.stream()]

        job = await endpoint.run({"prompt": "hold"})
        while await job.status() == "IN_QUEUE":
            await asyncio.sleep(0.05)
        report["cancel"] = await job.cancel()
        while await job.status() == "IN_PROGRESS":
            await asyncio.sleep(0.05)
        report["cancelled"] = await job.status()

        # This client looks at no status code: what was refused it must find out by asking for the job.
        job = await endpoint.run({"prompt": 7})
        report["bad_status"] = await job.status()
        report["bad"] = await job.output(timeout=5)
        report["purged"] = await endpoint.purge_queue()
        return report


runpod.api_key = os.environ["RUNPOD_API_KEY"]
print(json.dumps({"sync": with_the_client(), "asyncio": asyncio.run(with_the_asyncio_client())}))
