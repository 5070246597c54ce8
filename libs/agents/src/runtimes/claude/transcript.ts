// What a reader of the agent's output sees: what the model says as it says it, and a line for every tool call.
import type { BetaMessageStream } from '@anthropic-ai/sdk/lib/BetaMessageStream';
import type { RuntimeHost } from '../runtime.js';

const lineCharactersMax = 200;
/** The member of a tool's input that says most, in the order in which it is looked for. */
const telling = ['command', 'file_path', 'pattern', 'summary'];

export class Transcript {
  constructor(private readonly host: RuntimeHost) {}

  /** Shows a reply while it comes. The returned function waits until all of it is shown; a refused output rejects there. */
  follow(stream: BetaMessageStream): () => Promise<void> {
    let shown = Promise.resolve();
    let open = false;
    const show = (text: string) => {
      if (text === '') return;
      open = !text.endsWith('\n');
      shown = shown.then(() => this.host.output(text));
      shown.catch(() => stream.abort());
    };
    stream.on('text', show);
    stream.on('thinking', show);
    stream.on('contentBlock', (block) => {
      if (open) show('\n');
      if (block.type === 'tool_use') show(`[${block.name}] ${headline(block.input)}\n`);
    });
    return () => shown;
  }
}

function headline(input: unknown): string {
  const members = new Map(Object.entries(Object(input) as Record<string, unknown>));
  const found = telling.map((name) => members.get(name)).find((value) => typeof value === 'string');
  const [first = '', ...more] = (typeof found === 'string' ? found : JSON.stringify(input)).trim().split('\n');
  return first.length > lineCharactersMax || more.length > 0 ? `${first.slice(0, lineCharactersMax)} …` : first;
}
