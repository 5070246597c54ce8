// Answers cut to what one signed message holds: less at once, and the rest on the next question.
import { messageBytesMax, type AgentResource, type OperationBody } from '#protocol';

/** JSON of one answer in bytes: base64url makes four of three, and the envelope wants its own. */
const answerBytesMax = Math.floor((messageBytesMax / 4) * 3) - 8_192;

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

/** As many agents as fit, one at least; `next` goes on after the last of them. */
export function pageThatFits(agents: readonly AgentResource[], next?: string): OperationBody<'agent.list'> {
  let [bytes, count] = [256, 0];
  for (const agent of agents) {
    bytes += bytesOf(agent) + 1;
    if (bytes > answerBytesMax && count > 0) break;
    count += 1;
  }
  const fitting = agents.slice(0, count);
  const after = count < agents.length ? fitting.at(-1)?.agentId : next;
  return { agents: fitting, ...(after === undefined ? {} : { next: after }) };
}

/** What was cut off is read by the next question; the end is only where the text goes to its end. */
export function outputThatFits(chunk: OperationBody<'agent.output'>): OperationBody<'agent.output'> {
  const text = head(chunk.text);
  if (text.length === chunk.text.length) return chunk;
  const cut = Buffer.byteLength(chunk.text) - Buffer.byteLength(text);
  return { ...chunk, text, next: chunk.next - cut, end: false };
}

export function diffThatFits({ text, truncated }: { readonly text: string; readonly truncated: boolean }) {
  const shown = head(text);
  return { text: shown, truncated: truncated || shown.length < text.length };
}

/** The longest start that fits as a JSON string, whole characters only: escapes may make six bytes of one. */
function head(text: string): string {
  if (bytesOf(text) <= answerBytesMax) return text;
  let [fits, over] = [0, text.length];
  while (over - fits > 1) {
    const middle = (fits + over) >>> 1;
    if (bytesOf(text.slice(0, middle)) <= answerBytesMax) fits = middle;
    else over = middle;
  }
  const halfPair = /[\ud800-\udbff]$/.test(text.slice(0, fits));
  return text.slice(0, halfPair ? fits - 1 : fits);
}
