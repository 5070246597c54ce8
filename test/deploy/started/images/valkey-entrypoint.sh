# As the published image does it: the folder of the data becomes the server's, and root is left.
set -e
if [ "$1" = valkey-server ] && [ "$(id -u)" = 0 ]; then
  chown -R valkey:valkey .
  exec setpriv --reuid=valkey --regid=valkey --clear-groups -- "$@"
fi
exec "$@"
