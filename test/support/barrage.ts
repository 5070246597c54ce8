// Many messages at a steady rate, whatever becomes of those before: who floods an instance does not wait for its answers.
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { BadMessage } from './bad-messages.js';
import { read } from './mock/wire.js';

const tickMs = 5;

export class Barrage {
  /** Of each kind: what was said to it, other than what the protocol says. */
  readonly unexpected: string[] = [];
  answered = 0;
  private readonly agent = new Agent({ connections: 64, pipelining: 1 });
  private readonly under: Promise<void>[] = [];

  constructor(
    private readonly messages: readonly BadMessage[],
    private readonly perSecond: number,
  ) {}

  /** Resolves when each has its answer. */
  async run(): Promise<void> {
    const begin = performance.now();
    while (this.under.length < this.messages.length) {
      const due = Math.ceil(((performance.now() - begin) / 1_000) * this.perSecond);
      for (const one of this.messages.slice(this.under.length, due)) this.under.push(this.bring(one));
      await pause(tickMs);
    }
    await Promise.all(this.under);
    await this.agent.close();
  }

  private async bring({ kind, url, body, outcome }: BadMessage): Promise<void> {
    const said = await this.said(url, body).catch((error: unknown) => String(error));
    this.answered += 1;
    if (said !== outcome) this.unexpected.push(`${kind}: ${said}`);
  }

  private async said(url: string, body: string): Promise<string> {
    const headers = { 'content-type': 'application/jose' };
    const answer = await request(url, { method: 'POST', headers, body, dispatcher: this.agent });
    return outcomeOf(answer.statusCode, await answer.body.text());
  }
}

function outcomeOf(status: number, text: string): string {
  if (status !== 200) return status === 400 && text === '' ? 'refused' : `HTTP ${status}`;
  const messages = text.trim().split('\n').map(read);
  const claims = messages.find(({ typ }) => typ === 'writ-res+jws')?.claims;
  return typeof claims?.err === 'string' ? claims.err : claims?.results ? 'results' : 'nothing';
}
