"""The broker of production: RabbitMQ."""

from streams.rabbitmq.broker import RabbitMQ

__all__ = ["RabbitMQ"]
