#!/bin/sh
# Runs once, on an empty data directory: a database for each service, which its own user alone may enter.
set -eu

for service in auth orders inventory payments notifications analytics gateway shared; do
    eval "password=\$WARREN_PASSWORD_$(echo "$service" | tr '[:lower:]-' '[:upper:]_')"
    psql --quiet --set ON_ERROR_STOP=1 --set service="$service" --set password="$password" \
        --username "$POSTGRES_USER" --dbname "${POSTGRES_DB:-$POSTGRES_USER}" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service";
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
SQL
done
