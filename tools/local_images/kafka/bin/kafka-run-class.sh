#!/bin/bash
# Runs a class of the jars beside; a small heap on few cores wants no helper threads.
exec "$JAVA_HOME/bin/java" ${KAFKA_HEAP_OPTS:--Xmx256m} -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData \
    -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    ${KAFKA_OPTS:-} -cp '/opt/kafka/libs/*' "$@"
