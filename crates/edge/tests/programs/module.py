"""A module on the official Python SDK that uses everything an edge module can use.

It sends a message to the output `out` a few times a second, reports what it sees of its twin, answers the method
`echo`, passes what comes to an input on to the output `passed`, and calls a method of another module when asked to by
the method `call`. WEBSOCKETS and TOKEN_SECONDS choose transport and life of its tokens.
"""

import asyncio
import json
import os
import signal

from azure.iot.device import Message, MethodResponse
from azure.iot.device.aio import IoTHubModuleClient


def json_message(value):
    message = Message(json.dumps(value), content_encoding="utf-8", content_type="application/json")
    message.custom_properties["a b"] = "c/d"
    return message


async def answer(client, request):
    status, payload = 404, {"error": "no such method"}
    if request.name == "echo":
        status, payload = 200, request.payload
    elif request.name == "call":
        call = {"methodName": "echo", "payload": request.payload["payload"], "responseTimeoutInSeconds": 10}
        result = await client.invoke_method(call, request.payload["device"], request.payload["module"])
        status, payload = 200, result
    await client.send_method_response(MethodResponse.create_from_method_request(request, status, payload))


async def main():
    options = {}
    if os.environ.get("WEBSOCKETS"):
        options["websockets"] = True
    if os.environ.get("TOKEN_SECONDS"):
        options["sastoken_ttl"] = int(os.environ["TOKEN_SECONDS"])
    if os.environ.get("PRODUCT_INFO"):
        options["product_info"] = os.environ["PRODUCT_INFO"]
    client = IoTHubModuleClient.create_from_edge_environment(**options)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)

    async def on_patch(patch):
        await client.patch_twin_reported_properties({"saw": {k: v for k, v in patch.items() if k != "$version"}})

    async def on_message(message):
        value = json.loads(message.data)
        await client.send_message_to_output(json_message({"input": message.input_name, "value": value}), "passed")

    async def on_method(request):
        await answer(client, request)

    await client.connect()
    client.on_method_request_received = on_method
    client.on_message_received = on_message
    twin = await client.get_twin()
    client.on_twin_desired_properties_patch_received = on_patch
    await client.patch_twin_reported_properties({"read": twin["desired"]["start"], "pid": os.getpid()})
    print("ready", flush=True)

    number = 0
    while not stopping.is_set():
        number += 1
        try:
            await client.send_message_to_output(json_message({"n": number}), "out")
        except Exception as problem:  # the hub is away; the SDK reconnects by itself
            print(f"not sent: {problem!r}", flush=True)
        try:
            await asyncio.wait_for(stopping.wait(), 0.2)
        except asyncio.TimeoutError:
            pass
    await client.shutdown()


asyncio.run(main())
