"""HTTP of the web process; websockets join in `routing.py`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeops.settings.dev")
application = get_asgi_application()
