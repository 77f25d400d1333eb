"""Runs inside every Python worker, before the function. What is imported here is cold start, so little is.

The channel on descriptor 3 speaks the frames of ../frame.ts; its end means that the platform is gone, and so are we then.
"""

import os
import sys

CHANNEL = 3
RECEIPT = 4
HEAD_BYTES = 9
LOAD, CALL = 1, 2
READY, LOAD_FAILED, RESULT, HANDLER_FAILED, CHUNK, END, TOO_LARGE = 1, 2, 3, 4, 5, 6, 7
FAULT_CHARS_MAX = 16_384
SIGKILL = 9


class Channel:
    def __init__(self):
        self._unread = b""

    def read_frame(self):
        head = self._read(4)
        return self._read(int.from_bytes(head, "big"))

    def _read(self, wanted):
        while len(self._unread) < wanted:
            missing = wanted - len(self._unread)
            if missing <= 65_536:
                self._unread += self._receive(65_536)
                continue
            # Large payloads are collected piece by piece, for joining grown strings costs their square.
            pieces = [self._unread]
            while missing > 0:
                pieces.append(self._receive(min(missing, 1 << 20)))
                missing -= len(pieces[-1])
            self._unread = b"".join(pieces)
        taken, self._unread = self._unread[:wanted], self._unread[wanted:]
        return taken

    def _receive(self, most):
        try:
            got = os.read(CHANNEL, most)
        except OSError:
            got = b""
        if not got:
            os.kill(0, SIGKILL)
        return got

    def send(self, kind, number, body=b""):
        left = memoryview(
            (HEAD_BYTES - 4 + len(body)).to_bytes(4, "big") + bytes((kind,)) + number.to_bytes(4, "big") + body
        )
        while left:
            left = left[os.write(CHANNEL, left) :]


class Context:
    def __init__(self, settings, request_id, timeout_ms):
        self._until = monotonic() + timeout_ms / 1000
        self.aws_request_id = request_id
        self.function_name = settings["functionName"]
        self.function_version = settings["versionId"]
        self.invoked_function_arn = settings["functionName"]
        self.memory_limit_in_mb = settings["memoryMb"]
        self.log_group_name = settings["functionName"]
        self.log_stream_name = settings["instanceId"]
        self.instance_id = settings["instanceId"]

    def get_remaining_time_in_millis(self):
        return max(0, int((self._until - monotonic()) * 1000))


def fault(error, error_type=None):
    import traceback

    try:
        message = str(error)
        if isinstance(error, SyntaxError):
            message = "%s (%s:%s)" % (error.msg, os.path.basename(error.filename or "?"), error.lineno)
        # How we came to call the function is no news to whoever wrote it.
        trace = error.__traceback__
        while trace and trace.tb_frame.f_code.co_filename in (__file__, "<frozen importlib._bootstrap>"):
            trace = trace.tb_next
        stack = "".join(traceback.format_exception(type(error), error, trace))
    except Exception:
        message, stack = "something was raised that cannot be told", ""
    told = {
        "errorType": error_type or type(error).__name__,
        "message": message[:FAULT_CHARS_MAX],
        "stack": stack[-FAULT_CHARS_MAX:],
    }
    return json.dumps(told).encode()


def load(settings):
    sys.path[0] = settings["folder"]
    limit = settings.get("dataBytesMax")
    if limit:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    name = settings["module"]
    __import__(name)
    found = sys.modules[name]
    for part in settings["exportName"].split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise LookupError("%s has no function %r" % (settings["entryName"], settings["exportName"]))
    return found


def wants_context(handler):
    """Both `handler(event)` and `handler(event, context)` are usual; without knowing better, the second."""
    code = getattr(handler, "__code__", None) or getattr(getattr(handler, "__func__", None), "__code__", None)
    if code is None:
        return True
    count = code.co_argcount - (1 if getattr(handler, "__self__", None) is not None else 0)
    return count >= 2 or bool(code.co_flags & 0x04)


def encode(value):
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def send_chunk(number, chunk, most):
    body = chunk.encode() if isinstance(chunk, str) else bytes(chunk) if isinstance(chunk, (bytes, bytearray, memoryview)) else encode(chunk)
    for at in range(0, len(body), most):
        channel.send(CHUNK, number, body[at : at + most])


def stream(number, value, most):
    if hasattr(value, "__anext__"):
        import asyncio

        async def drain():
            async for chunk in value:
                send_chunk(number, chunk, most)

        asyncio.run(drain())
    else:
        for chunk in value:
            send_chunk(number, chunk, most)
    channel.send(END, number)


def run(handler, takes_context, settings, frame):
    number = int.from_bytes(frame[1:5], "big")
    # Whoever finds us dead can tell from it whether this call had begun.
    os.pwrite(RECEIPT, frame[1:5], 0)
    id_end = 10 + frame[9]
    payload = frame[id_end:]
    try:
        event = json.loads(payload) if payload else {}
    except ValueError as error:
        return channel.send(HANDLER_FAILED, number, fault(error, "Runtime.UnmarshalError"))
    context = Context(settings, frame[10:id_end].decode("latin-1"), int.from_bytes(frame[5:9], "big"))
    try:
        value = handler(event, context) if takes_context else handler(event)
        if hasattr(value, "__await__"):
            import asyncio

            value = asyncio.run(value)
        if hasattr(value, "__next__") or hasattr(value, "__anext__"):
            stream(number, value, settings["resultBytesMax"])
            return None
    except Exception as error:
        sys.stdout.flush()
        return channel.send(HANDLER_FAILED, number, fault(error))
    finally:
        sys.stdout.flush()
    try:
        body = encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        return channel.send(HANDLER_FAILED, number, fault(error, "Runtime.MarshalError"))
    except MemoryError as error:
        return channel.send(HANDLER_FAILED, number, fault(error))
    if len(body) > settings["resultBytesMax"]:
        return channel.send(TOO_LARGE, number, str(len(body)).encode())
    return channel.send(RESULT, number, body)


os.set_inheritable(CHANNEL, False)
os.set_inheritable(RECEIPT, False)
# Set up while the platform lays out the code.
import json
from time import monotonic

sys.stdout.reconfigure(line_buffering=True)
channel = Channel()
first = channel.read_frame()
settings = json.loads(first[5:])
try:
    handler = load(settings)
    takes_context = wants_context(handler)
except Exception as error:
    channel.send(LOAD_FAILED, 0, fault(error))
    sys.exit(1)
channel.send(READY, 0)
while True:
    run(handler, takes_context, settings, channel.read_frame())
