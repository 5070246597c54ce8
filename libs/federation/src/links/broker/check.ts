// What `writ doctor` says of the broker.
import type { Check } from '#protocol';
import type { Broker } from './broker.js';

export function checkBroker({ url, standing }: Broker): Check {
  if (standing.connected) return { name: 'broker', outcome: 'ok', detail: `${url} is connected.` };
  const since = new Date(standing.sinceMs).toISOString();
  const detail = `${url} is away since ${since}: ${standing.reason} What is to be said over it waits.`;
  return { name: 'broker', outcome: 'warning', detail, cure: 'Look at the broker, and at the setting `broker`.' };
}
