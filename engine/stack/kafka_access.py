"""The local broker behind passwords and access lists: its settings, the engine's login, the administrator's.

Rule: one switch (``kafka_security = scram``); with it nobody connects without a password and nobody does what no access
list allows (KRaft's StandardAuthorizer). Passwords are made here, kept in ``secrets.json`` and in the broker's
configuration, both of mode 600; none is ever on a command line. Participants and engine log in by SCRAM-SHA-512, which
sends no password; the administrator and the broker itself, who have to be there before the first SCRAM user is, by
PLAIN on the loopback address only.
"""

from __future__ import annotations

import time

from pydantic import SecretStr

from engine.stack.folder import DataFolder

ADMIN, CONTROLLER = "admin", "controller"
#: Name of the engine's user; its rights are in `engine.bus.rights`.
ENGINE = "qenex"
_READY_SECONDS = 60.0
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required"

Update = dict[str, str | SecretStr]


def properties(folder: DataFolder, address: str, controller: str) -> str:
    """Lines of server.properties: listeners, logins, the authorizer."""
    admin, own = folder.secret("kafka_admin"), folder.secret("kafka_controller")
    return f"""
listeners=SASL_PLAINTEXT://{address},CONTROLLER://{controller}
advertised.listeners=SASL_PLAINTEXT://{address}
listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
inter.broker.listener.name=SASL_PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config={_SCRAM};
listener.name.sasl_plaintext.plain.sasl.jaas.config={_PLAIN} username="{ADMIN}" password="{admin}" \
user_{ADMIN}="{admin}";
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config={_PLAIN} username="{CONTROLLER}" password="{own}" \
user_{CONTROLLER}="{own}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{ADMIN};User:{CONTROLLER}
allow.everyone.if.no.acl.found=false
"""


def open_properties(address: str, controller: str) -> str:
    """The same without the switch: whoever reaches the loopback address may do everything."""
    return f"""
listeners=PLAINTEXT://{address},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{address}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
"""


def engine_login(folder: DataFolder) -> Update:
    """What the engine's settings get: how it logs in."""
    return {
        "kafka_security_protocol": "SASL_PLAINTEXT",
        "kafka_sasl_mechanism": "SCRAM-SHA-512",
        "kafka_sasl_username": ENGINE,
        "kafka_sasl_password": SecretStr(folder.secret("kafka_engine")),
    }


def admin_login(folder: DataFolder) -> dict[str, str]:
    """How the administrator logs in, under librdkafka's names."""
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": ADMIN,
        "sasl.password": folder.secret("kafka_admin"),
    }


def let_engine_in(folder: DataFolder, address: str) -> None:
    """The engine's user and rights; waits for a broker that has just come."""
    from engine.bus.port import BusError
    from engine.bus.rights import KafkaRights, engine_rights
    from engine.bus.settings import BusSettings

    rights = KafkaRights(BusSettings(address, "qenex.rights", admin_login(folder), request_timeout_ms=10_000))
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            rights.user(ENGINE, folder.secret("kafka_engine"))
            rights.grant(engine_rights())
            return
        except BusError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
