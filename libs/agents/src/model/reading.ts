// Reads from a reply what it has cost, while it passes: from its JSON, or from the events of its stream.
import { z } from 'zod';
import type { Usage } from '#protocol';
import { costOf, type Price } from '../runtimes/claude/prices.js';

const count = z.int().min(0).max(1_000_000_000);
const figures = z.looseObject({
  input_tokens: count.nullish(),
  output_tokens: count.nullish(),
  cache_read_input_tokens: count.nullish(),
  cache_creation_input_tokens: count.nullish(),
  cache_creation: z.looseObject({ ephemeral_1h_input_tokens: count.nullish() }).nullish(),
});
type Figures = z.infer<typeof figures>;

const reply = z.looseObject({ usage: figures });
const started = z.looseObject({ message: reply });
const moved = z.looseObject({ usage: figures.optional() });

/** A line beyond is no event that tells of usage. */
const lineCharactersMax = 2 ** 20;
/** What was said before a stream broke off counts as a token for so many characters. */
const charactersPerToken = 4;

export class Reading {
  private known: Figures = {};
  private rest = '';
  private event = '';
  private said = 0;
  private readonly decoder = new TextDecoder();
  /** Whether the reply came to its end. */
  complete = false;

  constructor(private readonly price: Price) {}

  /** The whole of a reply that is no stream. */
  whole(text: string): void {
    this.known = reply.parse(JSON.parse(text)).usage;
    this.complete = true;
  }

  /** The next piece of a stream of events. */
  add(chunk: Uint8Array): void {
    const lines = (this.rest + this.decoder.decode(chunk, { stream: true })).split('\n');
    this.rest = lines.pop() ?? '';
    if (this.rest.length > lineCharactersMax) this.rest = '';
    for (const line of lines) this.line(line);
  }

  /** As far as it is known. Output of a reply that broke off is what was told of it, or what was seen of it if that is more. */
  usage(): Usage {
    const { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } = this.known;
    const seen = this.complete ? 0 : Math.ceil(this.said / charactersPerToken);
    const tokens = {
      inputTokens: input_tokens ?? 0,
      outputTokens: Math.max(output_tokens ?? 0, seen),
      cacheReadTokens: cache_read_input_tokens ?? 0,
      cacheWriteTokens: cache_creation_input_tokens ?? 0,
    };
    const hour = this.known.cache_creation?.ephemeral_1h_input_tokens ?? 0;
    return { turns: this.complete ? 1 : 0, ...tokens, moneyMicroUsd: costOf(tokens, this.price, hour) };
  }

  private line(line: string): void {
    if (line.startsWith('event:')) this.event = line.slice(6).trim();
    if (!line.startsWith('data:')) return;
    if (this.event === 'message_stop') this.complete = true;
    else if (this.event === 'content_block_delta') this.said += spoken(line);
    else if (this.event === 'message_start' || this.event === 'message_delta') this.learn(line.slice(5));
  }

  /** Figures are totals so far, and one that is not told again stands. What cannot be read is passed on all the same. */
  private learn(data: string): void {
    try {
      const value: unknown = JSON.parse(data);
      const usage = this.event === 'message_start' ? started.parse(value).message.usage : moved.parse(value).usage;
      const told = Object.entries(usage ?? {}).filter(([, figure]) => figure !== null && figure !== undefined);
      this.known = { ...this.known, ...Object.fromEntries(told) };
    } catch {
      return;
    }
  }
}

function spoken(line: string): number {
  const text = /"(?:text|thinking|partial_json)":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? '';
  return text.length;
}
