"""Values that every way of running shares. See `env.py` for how the environment is read."""

from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import tradeops.settings.generics  # before any model class
import tradeops.settings.sqlite  # noqa: F401 - first: takes the place of sqlite3
from tradeops.settings import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env.read_env_file(env.env_file(BASE_DIR))

# --- The deployment -----------------------------------------------------------------------------
TRADEOPS_ENV = env.environment()
TRADEOPS_HOME = env.home(BASE_DIR)
TRADEOPS_ALLOW_MAINNET = env.flag("TRADEOPS_ALLOW_MAINNET")
TRADEOPS_USE_TESTNET = env.flag("USE_TESTNET")
TRADEOPS_HOST = env.text("TRADEOPS_HOST", "127.0.0.1")
TRADEOPS_PORT = env.whole("TRADEOPS_PORT", 8000)
TRADEOPS_PAPER_PORT = env.whole("TRADEOPS_PAPER_PORT", 8100)
PAPER_URL = env.text("TRADEOPS_PAPER_URL", f"http://127.0.0.1:{TRADEOPS_PAPER_PORT}")
# How long the venue waits for us before it cancels a symbol's orders, where an account wants that.
DEAD_MAN_COUNTDOWN_S = env.whole("DEAD_MAN_COUNTDOWN_S", 120)
ALLOWED_SYMBOLS = env.words(
    "ALLOWED_SYMBOLS",
    (
        "BTCUSDT",
        "ETHUSDT",
        "BNBUSDT",
        "SOLUSDT",
        "XRPUSDT",
        "ADAUSDT",
        "DOGEUSDT",
        "LINKUSDT",
        "LTCUSDT",
        "AVAXUSDT",
    ),
)
MIN_FREE_MIB = env.whole("MIN_FREE_MIB", 1024)  # below, openings are refused (T014)
ORDER_WRITES_PER_MINUTE = env.whole(
    "ORDER_WRITES_PER_MINUTE", 600 if TRADEOPS_ENV == "paper" else 10
)

# --- Secrets ------------------------------------------------------------------------------------
SECRET_KEY = env.text("SECRET_KEY")
AUTH_TOKEN = env.text("AUTH_TOKEN")
BINANCE_API_KEY = env.text("BINANCE_API_KEY")
BINANCE_API_SECRET = env.text("BINANCE_API_SECRET")
SEAL_PUBLIC_KEY = env.text("SEAL_PUBLIC_KEY")
SEAL_PRIVATE_KEYS = env.words("SEAL_PRIVATE_KEYS")  # empty in the web process
SLACK_WEBHOOK_URL = env.text("SLACK_WEBHOOK_URL")

# --- Django -------------------------------------------------------------------------------------
DEBUG = False
ALLOWED_HOSTS: list[str] = list(env.words("ALLOWED_HOSTS", ("127.0.0.1", "localhost", "[::1]")))
ROOT_URLCONF = "tradeops.urls"
ASGI_APPLICATION = "tradeops.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LOGIN_URL = "admin:login"

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "axes",
    "corsheaders",
    "ninja",
    "django_celery_beat",
    "tradeops.journal",
    "tradeops.market",
    "accounts",
    "orders",
    "positions",
    "risk",
    "tradeops.engine",
    "tradeops.streams",
    "tradeops.reconcile",
    "tradeops",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
MIDDLEWARE[:0] = [
    "tradeops.observability.middleware.RequestMiddleware",
    "tradeops.kit.middleware.ProblemMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": env.database(TRADEOPS_HOME / f"tradeops-{TRADEOPS_ENV}.sqlite3")}

STATIC_URL = "/static/"
STATIC_ROOT: Path | None = None  # nothing is collected but in production
STATICFILES_DIRS = [path for path in (BASE_DIR / "static",) if path.is_dir()]
WHITENOISE_USE_FINDERS = True

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# A worker shows nothing to anybody: without these it starts faster and holds half the memory.
if not env.flag("TRADEOPS_SCREENS", default=True):
    for _screen in ("unfold", "unfold.contrib.filters", "django.contrib.admin", "axes", "ninja"):
        INSTALLED_APPS.remove(_screen)
    MIDDLEWARE = []
    AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    ROOT_URLCONF = ""

SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

# Locks the pair, so that nobody can lock an operator out from another address.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False

CORS_ALLOWED_ORIGINS = list(env.words("CORS_ORIGIN"))
CORS_URLS_REGEX = r"^/api/"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Redis: cache, channel layer, broker. One Redis database serves one deployment. -------------
REDIS_URL = env.redis_url()
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {"serializer": "tradeops.settings.cache.JsonCacheSerializer"},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "live"},
    }
}

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_SOFT_TIME_LIMIT = 45
# One more try at once (a pooled connection may have died with the broker), then the sweeper.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
CELERY_TASK_CREATE_MISSING_QUEUES = False  # a misspelt queue must fail, not wait for ever
CELERY_TASK_DEFAULT_QUEUE = "reconcile"
# A task says its queue itself; this is for a period that an operator adds by the task's name,
# since beat loads no task.
CELERY_TASK_ROUTES = {
    "tradeops.engine.tasks.execute_command": {"queue": "orders"},
    "tradeops.market.*": {"queue": "market"},
    "tradeops.notify.*": {"queue": "notify"},
}
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
TRADEOPS_LOADS_TASKS = env.flag("TRADEOPS_LOADS_TASKS", default=True)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Celery would close the connections around every task; the settings of DATABASES decide instead.
CELERY_DB_REUSE_MAX = 1_000_000_000
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000  # KiB
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"

# --- Logs: one line an event on stderr; what runs the process decides where the lines go. -------
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
_JSON_LOGS = find_spec("tradeops.observability.logs") is not None
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "tradeops.observability.logs.JsonFormatter"}
        if _JSON_LOGS
        else {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # Django adds handlers of its own to this logger, and mails errors: one place is enough.
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        # A line for every task and every tick would bury the rest.
        **{
            name: {"level": "WARNING"}
            for name in ("celery.beat", "celery.worker.strategy", "celery.app.trace", "axes.apps")
        },
    },
}
