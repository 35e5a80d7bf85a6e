"""The web process: HTTP goes to Django's threads, websockets to their consumers."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeops.settings.dev")
django.setup()

from channels.routing import ProtocolTypeRouter  # noqa: E402 – needs the settings

from tradeops.checks import refuse_wrong_start  # noqa: E402
from tradeops.kit.asgi import ThreadedDjango  # noqa: E402
from tradeops.routing import websocket  # noqa: E402
from tradeops.watch import Watch  # noqa: E402

refuse_wrong_start()  # Daphne ends with the number
Watch("web", ends=False).start()

application = ProtocolTypeRouter({"http": ThreadedDjango(), "websocket": websocket})
