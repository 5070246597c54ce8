// The scanner over secretlint's recommended rules, in a thread of its own: a pattern that runs away holds up nobody, and the
// thread is ended when its time is up.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { SecretScanner, type Leak, type ScanText } from '../scanner.js';

const leak = z.strictObject({
  rule: z.string().min(1),
  index: z.int().min(0),
  start: z.int().min(0),
  end: z.int().min(0),
  line: z.int().min(1),
  hash: z.string().min(1),
});
const answer = z.union([
  z.strictObject({ id: z.int(), leaks: z.array(leak) }),
  z.strictObject({ id: z.int(), error: z.string() }),
]);

/** secretlint keeps a note of every text: a thread that has seen so many is replaced. */
const textsMax = 5_000;
const memoryMbMax = 512;

export class SecretlintScanner extends SecretScanner {
  private worker?: Worker;
  private seen = 0;
  private lastId = 0;
  private isClosed = false;
  /** One after the other: the time of each is its own. */
  private line: Promise<unknown> = Promise.resolve();

  /** `timeMs` for one call, from its turn on. */
  constructor(private readonly timeMs: number) {
    super();
  }

  override scan(texts: readonly ScanText[]): Promise<readonly Leak[]> {
    const scanned = this.line.then(() => this.ask(texts));
    this.line = scanned.catch(() => undefined);
    return scanned;
  }

  override async close(): Promise<void> {
    this.isClosed = true;
    await this.drop();
  }

  private async ask(texts: readonly ScanText[]): Promise<readonly Leak[]> {
    if (this.isClosed) throw new Error('The scanner is closed.');
    if (this.seen > textsMax) void this.drop();
    const worker = (this.worker ??= start());
    this.seen += texts.length;
    worker.ref();
    try {
      return await this.answered(worker, texts);
    } catch (cause) {
      void this.drop();
      throw cause;
    } finally {
      worker.unref();
    }
  }

  /** Whatever is not the answer to this question is a failure. */
  private async answered(worker: Worker, texts: readonly ScanText[]): Promise<readonly Leak[]> {
    const id = (this.lastId += 1);
    const over = new AbortController();
    try {
      const said = answer.parse(await this.heard(worker, { id, texts }, over.signal));
      if (said.id !== id || 'error' in said) throw new Error('error' in said ? said.error : 'Another question.');
      if (said.leaks.some(({ index, end }) => end > (texts[index]?.text.length ?? -1))) throw new Error('Beside.');
      return said.leaks;
    } finally {
      over.abort();
    }
  }

  private heard(worker: Worker, question: object, over: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`The scan did not end within ${this.timeMs} ms.`));
      const timer = setTimeout(late, this.timeMs);
      const ended = (code: number) => reject(new Error(`The scanner ended with ${code}.`));
      const events = { message: resolve, messageerror: reject, error: reject, exit: ended };
      for (const [name, listener] of Object.entries(events)) worker.once(name, listener);
      over.addEventListener('abort', () => {
        clearTimeout(timer);
        for (const [name, listener] of Object.entries(events)) worker.off(name, listener);
      });
      worker.postMessage(question);
    });
  }

  private async drop(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    this.seen = 0;
    await worker?.terminate();
  }
}

/** The program as built, or its source, whose types Node strips. */
function start(): Worker {
  const built = fileURLToPath(new URL('./worker.js', import.meta.url));
  const file = existsSync(built) ? built : built.replace(/\.js$/, '.ts');
  const worker = new Worker(file, {
    ...{ env: {}, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: memoryMbMax } },
  });
  // What nobody listens to between two questions would end the process.
  worker.on('error', () => undefined);
  worker.unref();
  return worker;
}
