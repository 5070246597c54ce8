// How agents' tunnels reach a host: by the addresses alone that `egress.networks` lets this spoke dial, checked in the very lookup that the
// socket uses.
import { connect } from 'node:net';
import type { Dial } from '#agents';
import type { AddressPolicy } from '#federation';

export function dialBy(addresses: AddressPolicy): Dial {
  return (host, port) => {
    const url = addresses.check(`https://${host}:${port}`);
    return connect({ host: url.hostname, port, lookup: addresses.lookupFor(url) });
  };
}
