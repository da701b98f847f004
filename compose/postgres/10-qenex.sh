#!/bin/bash
# Run once by the image, when the cluster is first made: the database, its owner, and who the engine logs in as.
# Neither is a superuser. The owner makes schema and roles (qenex prepare); the login may become writer and reader.
set -euo pipefail
psql --set ON_ERROR_STOP=1 --quiet --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set owner_password="$QENEX_OWNER_PASSWORD" --set login_password="$QENEX_LOGIN_PASSWORD" <<'SQL'
create role qenex_owner login createrole password :'owner_password';
create role qenex_login login noinherit password :'login_password';
create database qenex owner qenex_owner;
revoke all on database qenex from public;
grant connect on database qenex to qenex_login;
SQL
