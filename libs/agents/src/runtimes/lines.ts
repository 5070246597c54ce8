// Lines of UTF-8 out of a stream that an agent may write to: bounded, because nothing inside the sandbox is trusted.
import type { Readable } from 'node:stream';

/** Yields each line without its end. A line above `bytesMax` (in characters) throws; what follows the last line end is a line too. */
export async function* linesOf(stream: Readable, bytesMax: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > bytesMax) throw new RangeError(`A line is longer than ${bytesMax} characters.`);
    yield* parts;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
