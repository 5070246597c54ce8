// Bytes on their way: read whole up to a limit, or watched as they pass at the pace of whoever reads them.
import { refusedFor, Refused } from './refusal.js';

/** @throws Refused 502 above the limit, or what the source throws. */
export async function read(source: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Refused(502, `The model API answered more than ${bytesMax} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What was read, as a source again. */
export async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

function some(bytes: Uint8Array): readonly Uint8Array[] {
  return bytes.length > 0 ? [bytes] : [];
}

export interface Watcher {
  /** Returns what is to be passed on of all that has come. */
  readonly see: (chunk: Uint8Array) => Uint8Array;
  /** What `see` has held back, at the end. */
  readonly rest: () => Uint8Array;
  /** Once, before the end is told: by the source's end or error, or because the reader left, or at the signal. */
  readonly end: (how: 'ended' | 'left') => Promise<void>;
  /** Ends the source at once, also one that is waited for. */
  readonly drop: () => void;
  readonly signal: AbortSignal;
}

/** Ends also when nobody reads it. */
export function watched(
  source: AsyncIterable<Uint8Array>,
  { see, rest, end, drop, signal }: Watcher,
): AsyncIterable<Uint8Array> {
  const from = source[Symbol.asyncIterator]();
  let over: Promise<void> | undefined;
  const finish = (how: 'ended' | 'left') => {
    signal.removeEventListener('abort', stop);
    return (over ??= end(how));
  };
  const stop = () => {
    drop();
    finish('left').catch(() => undefined);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const passed = async function* (): AsyncGenerator<Uint8Array> {
    for (let piece = await from.next(); !piece.done; piece = await from.next()) yield* some(see(piece.value));
    yield* some(rest());
  };
  const pieces = passed();
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    const piece = await pieces.next().catch(async (error: unknown) => {
      await finish('ended');
      throw refusedFor(error);
    });
    if (piece.done) await finish('ended');
    return piece;
  };
  const leave = async (): Promise<IteratorResult<Uint8Array>> => {
    drop();
    await finish('left');
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: leave }) };
}
