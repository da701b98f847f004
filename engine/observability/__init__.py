"""What a running worker shows of itself: structured logs, Prometheus metrics, and health on one port."""

from engine.observability.logs import configure_logging, get_logger
from engine.observability.metrics import WorkerMetrics
from engine.observability.server import Served, serve

__all__ = ["Served", "WorkerMetrics", "configure_logging", "get_logger", "serve"]
