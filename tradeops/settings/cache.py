"""What Django's Redis cache writes: JSON, never pickle (who writes to Redis must not run code)."""

import json
from typing import Any


class JsonCacheSerializer:
    """Serialise cache values as JSON; a value that JSON cannot hold raises TypeError."""

    def dumps(self, obj: Any) -> bytes:  # noqa: ANN401 - Django's cache takes any value
        """Return the JSON text of `obj`."""
        return json.dumps(obj, separators=(",", ":")).encode()

    def loads(self, data: bytes) -> Any:  # noqa: ANN401 - as above
        """Return the value of a JSON text."""
        return json.loads(data)
