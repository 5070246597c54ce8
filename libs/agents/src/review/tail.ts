// The end of what a program says, bounded, without what a terminal would obey.
import type { Readable } from 'node:stream';

const charactersMax = 4_000;

export class Tail {
  private said = '';

  /** Reads to the end, so that the program is never held up. */
  async take(stream: Readable): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream as AsyncIterable<Buffer>)
      this.said = (this.said + decoder.decode(chunk, { stream: true })).slice(-2 * charactersMax);
  }

  get text(): string {
    // eslint-disable-next-line no-control-regex -- these are what is taken out
    const plain = this.said.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replace(/[^\n\t\x20-\x7e\u00a0-\uffff]/g, '');
    const cut = plain.trimEnd().slice(-charactersMax);
    return /^[\udc00-\udfff]/.test(cut) ? cut.slice(1) : cut;
  }
}
