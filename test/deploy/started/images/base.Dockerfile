# In the place of `node:24-bookworm-slim`: Debian's packages, this machine's Node and npm, and the authorities that it trusts.
FROM writ-debian:bookworm
COPY . /
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/of-the-machine.crt
