// All webhooks of an instance: each is sent to by itself, so that one that hangs holds up no other, and nothing else waits for any.
import type { LookupFunction } from 'node:net';
import type { Store } from '#store';
import type { Logger } from 'pino';
import type { EventGap, EventPiece, Gateway } from '../gateway.js';
import { Courier, type Tally } from './courier.js';
import { messageOf, type Message } from './message.js';
import { fits, type Webhook } from './options.js';
import { Receiver } from './receiver.js';
import type { Variable } from '../secrets/secret-text.js';
import { secretsOf } from './secrets.js';
import { signedHeaders } from './signature.js';
import { Standings } from './standings.js';
import { tempo, type Tempo } from './tempo.js';

export interface WebhooksParts {
  readonly hooks: readonly Webhook[];
  readonly gateway: Pick<Gateway, 'events' | 'eventsEnd'>;
  readonly store: Store;
  /** The id of this instance. */
  readonly source: string;
  /** This process among those on the store: one of them sends. The same at each start where there is one only. */
  readonly owner: string;
  readonly variable: Variable;
  /** Resolves names to addresses that this hook may dial. */
  readonly lookup: (hook: Webhook) => LookupFunction;
  readonly log: Logger;
  readonly tempo?: Partial<Tempo>;
}

interface Running {
  readonly hook: Webhook;
  readonly courier: Courier;
  readonly receiver: Receiver;
}

export class Webhooks {
  private readonly stopping = new AbortController();
  private readonly cutting = new AbortController();
  private readonly tempo: Tempo;
  private readonly all: readonly Running[];
  private runs: readonly Promise<boolean>[] = [];

  constructor(private readonly of: WebhooksParts) {
    this.tempo = { ...tempo, ...of.tempo };
    this.all = of.hooks.map((hook) => this.prepared(hook));
  }

  start(): void {
    this.runs = this.all.map(({ courier }) => courier.run(this.stopping.signal, this.cutting.signal));
  }

  /** A try that is under way may end and be written down, for a moment. */
  async close(): Promise<void> {
    this.stopping.abort();
    const cut = setTimeout(() => this.cutting.abort(), this.tempo.closeMs);
    await Promise.all(this.runs);
    clearTimeout(cut);
    await Promise.all(this.all.map(({ receiver }) => receiver.close()));
  }

  /** What this process did, by the name of the hook. */
  tallies(): readonly (readonly [hook: string, tally: Readonly<Tally>])[] {
    return this.all.map(({ hook, courier }) => [hook.name, courier.tally] as const);
  }

  /** For how long each has not been taken, in seconds; 0 while all is well. */
  async failingSeconds(): Promise<readonly (readonly [hook: string, seconds: number])[]> {
    const standings = new Standings(this.of.store);
    const now = await standings.now();
    const rows = this.of.hooks.map(async ({ name }) => {
      const since = (await standings.find(name))?.failingSince;
      return [name, since === undefined ? 0 : Math.max(0, now - since) / 1_000] as const;
    });
    return Promise.all(rows);
  }

  private prepared(hook: Webhook): Running {
    const { gateway, store, source, owner, variable, lookup, log } = this.of;
    const { timeoutMs } = this.tempo;
    const { name, url } = hook;
    const headers = (message: Message) => headersOf(message, hook, variable);
    const receiver = new Receiver({ url, headers, lookup: lookup(hook), timeoutMs });
    const errand = {
      ...{ name, what: 'webhook' },
      wants: (piece: EventPiece | EventGap) => isWanted(piece, hook),
      note: (piece: EventPiece | EventGap) => messageOf(piece, name, source),
    };
    const standings = new Standings(store, owner);
    return {
      hook,
      receiver,
      courier: new Courier({ ...errand, gateway, receiver, standings, tempo: this.tempo, log }),
    };
  }
}

function isWanted(piece: EventPiece | EventGap, { types }: Webhook): boolean {
  return 'missing' in piece || !types || types.some((filter) => fits(filter, piece.event.type));
}

function headersOf(message: Message, hook: Webhook, variable: Variable): Record<string, string> | string {
  const keys = secretsOf(hook, variable);
  if (typeof keys === 'string') return `its secret ${keys}`;
  return { 'content-type': 'application/cloudevents+json', ...signedHeaders(message, Date.now(), keys) };
}
