// Sandbox room: the container engine. Every call has its own time-out [K-5]; what the engine says goes into the cause, for the log.
import type Docker from 'dockerode';
import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import { WritError } from '#protocol';

export interface ContainerState {
  /** Given by the engine at random: no other container ever has it. */
  readonly id: string;
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface EngineImage {
  readonly id: string;
  /** Names of variables that the image would set. */
  readonly environment: readonly string[];
  readonly volumes: readonly string[];
}

export interface EngineFacts extends Pick<
  Awaited<ReturnType<Docker['info']>>,
  'MemoryLimit' | 'PidsLimit' | 'CpuCfsQuota' | 'OSType' | 'SecurityOptions' | 'CgroupDriver'
> {
  /** Unknown to engines before 20.10, which know the first only. */
  readonly CgroupVersion?: string;
}

/** Nothing to do: it is gone, was never started, or is just being removed. */
const settled = [304, 404, 409];
/** To every process but the first, which only reaps, and the shell that sends it. */
const askAll = ['/bin/sh', '-c', 'kill -s TERM -- -1'];

export class Engine {
  #docker?: Promise<Docker>;

  constructor(private readonly options: { readonly socketPath: string; readonly callMs: number }) {}

  facts(): Promise<EngineFacts> {
    return this.#call('tell about itself', (docker) => docker.info());
  }

  /** Null when it is not there; nothing is ever pulled. */
  async image(reference: string): Promise<EngineImage | null> {
    const look = this.#call('look at the image', (docker) => docker.getImage(reference).inspect());
    const image = await look.catch(unless([404], null));
    if (!image) return null;
    const { Env, Volumes } = image.Config as { Env?: string[] | null; Volumes?: object | null };
    const environment = (Env ?? []).map((entry) => entry.split('=')[0] ?? '');
    return { id: image.Id, environment, volumes: Object.keys(Volumes ?? {}) };
  }

  async create(settings: Docker.ContainerCreateOptions): Promise<string> {
    const create = (docker: Docker, abortSignal: AbortSignal) => docker.createContainer({ ...settings, abortSignal });
    return (await this.#call('make a container', create)).id;
  }

  /** A raw connection, framed as the engine frames; `stdin` can be half closed. */
  async attach(id: string, ends: { stdin?: true; stdout?: true; stderr?: true }): Promise<Duplex> {
    const options = { ...ends, stream: true, hijack: true };
    const attach = (docker: Docker, abortSignal: AbortSignal) =>
      docker.getContainer(id).attach({ ...options, abortSignal });
    return (await this.#call('attach to a container', attach)) as unknown as Duplex;
  }

  async start(id: string): Promise<void> {
    await this.#call('start a container', (docker, abortSignal) => docker.getContainer(id).start({ abortSignal }));
  }

  /** Waits until it ends or the signal is aborted. The exit code, or null when the container is not there any more. */
  async exit(id: string, abortSignal: AbortSignal): Promise<number | null> {
    const docker = await this.#open();
    const given = Promise.withResolvers<never>();
    abortSignal.addEventListener('abort', () => given.reject(new Error('no answer yet')), { once: true });
    const wait = docker.getContainer(id).wait({ abortSignal }) as Promise<{ StatusCode: number }>;
    const code = wait.then(({ StatusCode }) => StatusCode, unless([404], null));
    return Promise.race([code, given.promise]);
  }

  /** With these labels, in every state. */
  async list(labels: readonly string[]): Promise<readonly ContainerState[]> {
    const filters = JSON.stringify({ label: labels });
    const containers = await this.#call('list containers', (docker, abortSignal) =>
      docker.listContainers({ all: true, filters, abortSignal }),
    );
    return containers.map(({ Id, State, Labels }) => ({ id: Id, state: State, labels: Labels }));
  }

  /** The processes that are in it now, by the pids of the engine's machine; none when it does not run. */
  async processes(id: string): Promise<readonly number[]> {
    const look = this.#call('look into a container', (docker, abortSignal) =>
      docker.getContainer(id).top({ ps_args: '-eo pid', abortSignal }),
    );
    const { Processes } = (await look.catch(unless(settled, { Processes: [] }))) as { Processes: string[][] };
    return Processes.map(([pid]) => Number(pid));
  }

  /** SIGTERM to all that is in it. A container without a place for one more process cannot be asked. */
  async terminate(id: string): Promise<void> {
    await this.#call('ask a container to end', async (docker, abortSignal) => {
      const exec = await docker.getContainer(id).exec({ Cmd: askAll, abortSignal });
      await exec.start({ Detach: true, abortSignal });
    }).catch(unless(settled, undefined));
  }

  /** Holds all that is in it still, by the kernel's freezer. */
  async pause(id: string): Promise<void> {
    await this.#call('pause a container', (docker, abortSignal) => docker.getContainer(id).pause({ abortSignal }));
  }

  async unpause(id: string): Promise<void> {
    const go = (docker: Docker, abortSignal: AbortSignal) => docker.getContainer(id).unpause({ abortSignal });
    await this.#call('let a container go on', go).catch(unless([...settled, 500], undefined));
  }

  /** SIGKILL to its first process, and with that to all. */
  async kill(id: string): Promise<void> {
    const kill = this.#call('kill a container', (docker, abortSignal) => docker.getContainer(id).kill({ abortSignal }));
    await kill.catch(unless(settled, undefined));
  }

  /** With its volumes, also while it runs. */
  async remove(id: string): Promise<void> {
    const remove = this.#call('remove a container', (docker, abortSignal) =>
      docker.getContainer(id).remove({ force: true, v: true, abortSignal }),
    );
    await remove.catch(unless(settled, undefined));
  }

  async #call<T>(what: string, ask: (docker: Docker, abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    const { callMs } = this.options;
    const abort = new AbortController();
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new Error(`no answer within ${callMs} ms`));
      abort.abort();
    }, callMs);
    try {
      return await Promise.race([ask(await this.#open(), abort.signal), late.promise]);
    } catch (cause) {
      throw new WritError('sandbox_unavailable', `The container engine did not ${what}.`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Loaded with the first call: a spoke without containers pays nothing for it. */
  #open(): Promise<Docker> {
    this.#docker ??= import('dockerode').then(({ default: Client }) => {
      // A connection of its own for each call: one that was kept would be dead after a restart of the engine.
      const connections: object = { agent: new Agent({ keepAlive: false }) };
      return new Client({ socketPath: this.options.socketPath, ...connections });
    });
    return this.#docker;
  }
}

/** What the engine or the system answered: an HTTP status, or a code such as `ENOENT`. */
export function answerOf(error: unknown): number | string | undefined {
  const cause = (error instanceof WritError ? error.cause : error) as { statusCode?: number; code?: string };
  return cause.statusCode ?? cause.code;
}

function unless<T>(statuses: readonly number[], otherwise: T): (error: unknown) => T {
  return (error) => {
    if (statuses.some((status) => status === answerOf(error))) return otherwise;
    throw error;
  };
}
