"""Websocket routes."""

from channels.routing import URLRouter
from channels.sessions import CookieMiddleware
from django.urls import path

from positions.consumers import LiveConsumer
from positions.live import LiveReads
from tradeops.desk.snapshot import account_snapshot

websocket = CookieMiddleware(
    URLRouter([path("ws/v1/live", LiveConsumer.as_asgi(reads=LiveReads(account_snapshot)))])
)
