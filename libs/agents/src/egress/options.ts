// The way out of the sandboxes of this spoke.
import type { Socket } from 'node:net';
import { z } from 'zod';
import { egressHost } from '#protocol';

/** Hosts that agents may be let reach at all, each agent those that its spawn asked for: `registry.npmjs.org`, `*.example.org`, `host:8443`. None by default: no agent has a network. */
export const egressHosts = z.array(egressHost).max(200);

/** Connects to a host that an agent may reach. @throws WritError when the address is not one that this spoke dials. */
export type Dial = (host: string, port: number) => Socket;
