#!/bin/bash
# Members of a replica set know one another by a key file, even where there is but one. It derives from the password.
set -eu
umask 077
printf '%s' "$MONGO_INITDB_ROOT_PASSWORD" | sha256sum | cut -d ' ' -f 1 > /etc/mongodb.key
chown mongodb /etc/mongodb.key
exec docker-entrypoint.sh mongod --replSet rs0 --keyFile /etc/mongodb.key --bind_ip_all
