// A turn of the script in the words of the Messages API: one message, or the events of a stream.
import { randomBytes } from 'node:crypto';
import type { Turn } from './script.js';

type Json = Record<string, unknown>;

export interface StreamEvent {
  readonly type: string;
  readonly data: Json;
  /** Counts for `afterDeltas` and is what `deltaDelayMs` stands before. */
  readonly delta: boolean;
}

const deltaCharactersMax = 40;

/** The whole message, as a request without `stream` gets it. */
export function messageOf(turn: Turn, model: string): Json {
  return { ...envelope(turn, model), content: blocksOf(turn) };
}

/** The same message as the event stream that the SDK assembles. */
export function eventsOf(turn: Turn, model: string): StreamEvent[] {
  const whole = envelope(turn, model);
  const start = { ...whole, content: [], stop_reason: null, usage: { ...usageOf(turn), output_tokens: 1 } };
  return [
    event('message_start', { message: start }),
    ...blocksOf(turn).flatMap(blockEvents),
    event('message_delta', {
      delta: { stop_reason: whole.stop_reason, stop_sequence: null },
      usage: { output_tokens: turn.usage.output },
    }),
    event('message_stop', {}),
  ];
}

function envelope(turn: Turn, model: string): Json & { stop_reason: string } {
  return {
    id: name('msg'),
    type: 'message',
    role: 'assistant',
    model,
    stop_reason: turn.stopReason ?? (turn.calls.length > 0 ? 'tool_use' : 'end_turn'),
    stop_sequence: null,
    usage: usageOf(turn),
  };
}

function usageOf({ usage }: Turn): Json {
  return {
    input_tokens: usage.input,
    output_tokens: usage.output,
    cache_read_input_tokens: usage.cacheRead,
    cache_creation_input_tokens: usage.cacheWrite,
  };
}

function blocksOf(turn: Turn): Json[] {
  return [
    ...(turn.thinking === undefined ? [] : [{ type: 'thinking', thinking: turn.thinking, signature: 'understudy' }]),
    ...(turn.text === undefined ? [] : [{ type: 'text', text: turn.text }]),
    ...turn.calls.map(({ tool, input }) => ({ type: 'tool_use', id: name('toolu'), name: tool, input })),
  ];
}

function blockEvents(block: Json, index: number): StreamEvent[] {
  const { start, deltas } = taken(block);
  return [
    event('content_block_start', { index, content_block: start }),
    ...deltas.map((delta) => event('content_block_delta', { index, delta }, true)),
    event('content_block_stop', { index }),
  ];
}

/** How a block begins empty and is filled by deltas. */
function taken(block: Json): { start: Json; deltas: Json[] } {
  if (block.type === 'text') {
    const deltas = pieces(String(block.text)).map((text) => ({ type: 'text_delta', text }));
    return { start: { ...block, text: '' }, deltas };
  }
  if (block.type === 'thinking') {
    const deltas = pieces(String(block.thinking)).map((thinking) => ({ type: 'thinking_delta', thinking }));
    const signed = { type: 'signature_delta', signature: block.signature };
    return { start: { ...block, thinking: '', signature: '' }, deltas: [...deltas, signed] };
  }
  const json = pieces(JSON.stringify(block.input)).map((part) => ({ type: 'input_json_delta', partial_json: part }));
  return { start: { ...block, input: {} }, deltas: json };
}

function pieces(text: string): string[] {
  const characters = Array.from(text);
  const count = Math.ceil(characters.length / deltaCharactersMax);
  return Array.from({ length: count }, (_, i) =>
    characters.slice(i * deltaCharactersMax, (i + 1) * deltaCharactersMax).join(''),
  );
}

function event(type: string, data: Json, delta = false): StreamEvent {
  return { type, data: { type, ...data }, delta };
}

function name(prefix: string): string {
  return `${prefix}_understudy${randomBytes(9).toString('hex')}`;
}
