// Hosts that an agent may reach: `registry.npmjs.org`, `*.example.org` for all names below that one, `host:8443` for another port
// than 443. Names and IPv4 addresses, lower case.
import { z } from 'zod';

const shape =
  /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){0,20}[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?::[1-9][0-9]{0,4})?$/;
const defaultPort = 443;

interface Host {
  readonly isBelow: boolean;
  readonly name: string;
  readonly port: number;
}

export const egressHost = z
  .string()
  .max(260)
  .regex(shape, 'must be a host as `registry.npmjs.org`, `*.example.org` or `host:8443`')
  .refine((text) => hostOf(text).port <= 65_535, 'has a port beyond 65535');

/** Whether whoever may reach `wide` may reach `narrow`, both as above. */
export function coversHost(wide: string, narrow: string): boolean {
  const [outer, inner] = [hostOf(wide), hostOf(narrow)];
  if (outer.port !== inner.port) return false;
  if (!outer.isBelow) return !inner.isBelow && outer.name === inner.name;
  return inner.name.endsWith(`.${outer.name}`) || (inner.isBelow && inner.name === outer.name);
}

export function coversAnyHost(hosts: readonly string[], narrow: string): boolean {
  return hosts.some((host) => coversHost(host, narrow));
}

function hostOf(text: string): Host {
  const [name = '', port] = text.replace(/^\*\./, '').split(':');
  return { isBelow: text.startsWith('*.'), name, port: port === undefined ? defaultPort : Number(port) };
}
