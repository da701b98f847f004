"""The bus: topics, records, ports, the Kafka adapters, their in-memory twin, and the loop that runs a stage.

Rule: Kafka clients are imported in ``engine.bus.kafka`` only; everything else speaks to the protocols of
``engine.bus.port``. Nothing is imported here, so that a module that needs ``Record`` does not load librdkafka.
"""
