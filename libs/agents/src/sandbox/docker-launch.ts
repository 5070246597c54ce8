// Sandbox room: one container from its making to its removal.
//
//   created → attached → started → exited → drained → removed
//     └── stop or abort at any point: removed by force, whatever it does ──┘
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from './docker-engine.js';
import { OutputPipe } from './docker-pipe.js';
import type { ProcessEnd, SandboxProcess } from './sandbox.js';

const pauseMs = 500;
/** How long a SIGKILL takes to reach the program, whether or not the engine has noticed. */
const killedMs = 200;

interface Pipes {
  readonly stdin: PassThrough;
  readonly stdout: OutputPipe;
  readonly stderr: OutputPipe;
}

export class ContainerLaunch {
  #asked = new AbortController();

  private constructor(
    private readonly engine: Engine,
    readonly id: string,
    private readonly pipes: Pipes,
    private readonly callMs: number,
  ) {}

  /**
   * Of a container that was made. A call-off is heeded between steps: the engine finishes what it has begun, heard or not. When it
   * throws, nothing runs.
   * Output has its connections before the program begins, one each, so that one that is not read does not hold up the other.
   */
  static async start(engine: Engine, id: string, called: AbortSignal, callMs: number): Promise<ContainerLaunch> {
    try {
      called.throwIfAborted();
      const pipes = await attach(engine, id);
      called.throwIfAborted();
      await engine.start(id);
      called.throwIfAborted();
      return new ContainerLaunch(engine, id, pipes, callMs);
    } catch (error) {
      await engine.remove(id).catch(() => undefined);
      throw error;
    }
  }

  /** The end is told when the output is out and the container is gone. */
  handOver(signal: AbortSignal, enforced: readonly string[]): SandboxProcess {
    const { stdin, stdout, stderr } = this.pipes;
    const abort = (): void => void this.kill().catch(() => undefined);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    const end = this.#end().finally(() => signal.removeEventListener('abort', abort));
    return { stdin, stdout: stdout.stream, stderr: stderr.stream, end, enforced };
  }

  /** An engine that cannot hand on what a program said does not notice its end: nobody has to read for that. */
  async kill(): Promise<void> {
    const killed = this.engine.kill(this.id);
    await Promise.race([killed, sleep(killedMs)]);
    void this.#drain();
    await killed;
    this.#asked.abort();
  }

  /** A container that could not be removed now is removed with its agent. */
  async #end(): Promise<ProcessEnd> {
    const code = await this.#exit();
    await this.#drain();
    this.pipes.stdin.destroy();
    await this.engine.remove(this.id).catch(() => undefined);
    return { code, signal: null };
  }

  async #drain(): Promise<void> {
    const { stdout, stderr } = this.pipes;
    await Promise.all([stdout.drain(this.callMs), stderr.drain(this.callMs)]);
  }

  /** A connection that breaks, or hangs, says nothing about the program: it is asked for again until the engine answers. */
  async #exit(): Promise<number | null> {
    for (;;) {
      this.#asked = new AbortController();
      const { signal } = this.#asked;
      const late = setTimeout(() => this.#asked.abort(), this.callMs).unref();
      try {
        return await this.engine.exit(this.id, signal);
      } catch {
        await sleep(pauseMs, undefined, { ref: false });
      } finally {
        clearTimeout(late);
      }
    }
  }
}

async function attach(engine: Engine, id: string): Promise<Pipes> {
  const [main, complaints] = await Promise.all([
    engine.attach(id, { stdin: true, stdout: true }),
    engine.attach(id, { stderr: true }),
  ]);
  const stdin = new PassThrough();
  stdin.on('error', () => undefined);
  stdin.pipe(main);
  return { stdin, stdout: new OutputPipe(main), stderr: new OutputPipe(complaints) };
}
