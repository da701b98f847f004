"""The stack on one machine: Postgres, Kafka and the workers as plain processes of one data folder.

Rule: nothing is written outside the data folder and the virtual environment; what is stopped is stopped by process id
and start time, never by name; a missing or broken piece is one clear sentence (`BrokenPiece`, exit status 3).

    folder      the data folder: marker, lock, ports, secrets, small JSON files
    process     a process that we started, in this life of ours or an earlier one
    jars        Kafka's jars: the lock file with SHA-256, fetched into the virtual environment
    piece       what Kafka, Postgres and a worker have in common
    kafka, postgres, workers    the pieces
    supervisor  the detached process that owns them and restarts what died
    control     up, down, status
    prepare     schema and topics, between the services and the workers
    local       Kafka and Postgres alone, for tests and benches
"""
