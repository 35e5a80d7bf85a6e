"""Whether a deployment may be used, asked from outside."""

import http
import http.client
import json


def is_ready(host: str, port: int) -> bool:
    """Return whether orders work and every active account is connected and known.

    `/healthz` is 200 as soon as orders can be asked for; before the first comparison with the
    venue an order would be refused, since no balance is known.
    """
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        reply = connection.getresponse()
        content = reply.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    if reply.status != http.HTTPStatus.OK:
        return False
    checks = json.loads(content)["checks"]
    streams = checks["streams"]
    if not streams:
        return True  # no account yet: the operator adds one
    return set(streams.values()) == {"CONNECTED"} and checks["reconcile_age_s"] is not None
