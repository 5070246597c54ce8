// What `writ doctor` says of webhooks, as the store has it: the same from whichever process is asked.
import type { Check } from '#protocol';
import type { Store } from '#store';
import type { Webhook } from './options.js';
import { Standings, type Standing } from './standings.js';

/** One for each that fails; else one for all. None without webhooks; a store that does not answer has a check of its own. */
export async function checkWebhooks(store: Store, hooks: readonly Webhook[]): Promise<Check[]> {
  const standings = new Standings(store);
  const found = hooks.map(async (hook) => checkOf(hook, await standings.find(hook.name).catch(() => undefined)));
  const failing = (await Promise.all(found)).filter((check) => check !== undefined);
  if (failing.length > 0 || hooks.length === 0) return failing;
  return [{ name: 'webhooks', outcome: 'ok', detail: 'Every receiver takes its events.' }];
}

function checkOf({ name }: Webhook, standing: Standing | undefined): Check | undefined {
  if (standing?.failingSince === undefined) return undefined;
  const { failingSince, failures, reason = 'it failed', isStopped } = standing;
  const since = new Date(failingSince).toISOString();
  if (isStopped) {
    const cure = 'Take it out of the setting `webhooks`, or mend the receiver and start this instance again.';
    return { name: `webhook ${name}`, outcome: 'warning', detail: `It is gone since ${since}: ${reason}.`, cure };
  }
  const detail = `Its next event is not taken since ${since}, in ${failures} tries: ${reason}.`;
  const cure = 'See to the receiver; the event is tried again by itself, and those after it wait.';
  return { name: `webhook ${name}`, outcome: 'warning', detail, cure };
}
