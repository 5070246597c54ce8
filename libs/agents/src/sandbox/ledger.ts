// Sandbox room: what is written on disk about running sandboxes, so that another life of the spoke can end them.
// A folder per agent: `launch-<uuid>.json` for each process tree, `groups.json` for its cgroups, `engine.json` when a container engine
// was used, `stopped` after a stop.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { agentId as agentIdSchema, WritError } from '#protocol';
import type { ProcessId } from './process.js';
import { bootId } from './process.js';

const processId = z.strictObject({ pid: z.int().min(2), start: z.int().min(0) });

/** `outer` is our child on the host; `init` the first process of its PID namespace, once it is known. */
const launchRecord = z.strictObject({
  format: z.literal(1),
  bootId: z.string(),
  outer: processId,
  init: processId.optional(),
});

const groupRecord = z.strictObject({ format: z.literal(1), paths: z.array(z.string()).max(100) });
/** The spoke's id, as its containers carry it. */
const engineRecord = z.strictObject({ format: z.literal(1), spokeId: z.string().min(1) });

export interface Launch {
  readonly id: string;
  readonly outer: ProcessId;
  readonly init?: ProcessId;
}

export class Ledger {
  readonly #bootId = bootId();

  constructor(private readonly root: string) {}

  /** Before the launch may do anything, and again when its namespace is known. */
  async recordLaunch(agentId: string, launch: Launch): Promise<void> {
    const { id, outer, init } = launch;
    await this.#write(agentId, `launch-${id}.json`, { format: 1, bootId: this.#bootId, outer, init });
  }

  async forgetLaunch(agentId: string, launchId: string): Promise<void> {
    await rm(join(this.#folder(agentId), `launch-${launchId}.json`), { force: true });
  }

  /** Launches of this boot; those of an earlier one cannot have left a process. */
  async launches(agentId: string): Promise<readonly Launch[]> {
    const names = (await this.#names(agentId)).filter((name) => name.startsWith('launch-'));
    const launches = await Promise.all(names.map((name) => this.#launch(agentId, name)));
    return launches.filter((launch) => launch !== null);
  }

  async recordGroups(agentId: string, paths: readonly string[]): Promise<void> {
    await this.#write(agentId, 'groups.json', { format: 1, paths });
  }

  async groups(agentId: string): Promise<readonly string[]> {
    const text = await readIfThere(join(this.#folder(agentId), 'groups.json'));
    return text === null ? [] : groupRecord.parse(JSON.parse(text)).paths;
  }

  /** Before a container engine is asked for anything that could leave something. */
  async recordEngine(agentId: string, spokeId: string): Promise<void> {
    await this.#write(agentId, 'engine.json', { format: 1, spokeId });
  }

  /** The spoke's id that the agent's containers carry; null when no engine was ever used for it. */
  async engine(agentId: string): Promise<string | null> {
    const text = await readIfThere(join(this.#folder(agentId), 'engine.json'));
    return text === null ? null : engineRecord.parse(JSON.parse(text)).spokeId;
  }

  /** It was never reached for this agent. */
  async forgetEngine(agentId: string): Promise<void> {
    await rm(join(this.#folder(agentId), 'engine.json'), { force: true });
  }

  /** After this no launch of the agent may begin, until it is removed. */
  async markStopped(agentId: string): Promise<void> {
    await this.#write(agentId, 'stopped', {});
  }

  async isStopped(agentId: string): Promise<boolean> {
    return (await this.#names(agentId)).includes('stopped');
  }

  async agents(): Promise<readonly string[]> {
    const names = await namesIn(this.root);
    return names.filter((name) => agentIdSchema.safeParse(name).success);
  }

  async remove(agentId: string): Promise<void> {
    await rm(this.#folder(agentId), { recursive: true, force: true });
  }

  async #launch(agentId: string, name: string): Promise<Launch | null> {
    const text = await readIfThere(join(this.#folder(agentId), name));
    if (text === null) return null;
    const { bootId, outer, init } = launchRecord.parse(JSON.parse(text));
    return bootId === this.#bootId ? { id: name.slice('launch-'.length, -'.json'.length), outer, init } : null;
  }

  async #names(agentId: string): Promise<readonly string[]> {
    return namesIn(this.#folder(agentId));
  }

  /** Whole or not at all: a reader never sees half a record. */
  async #write(agentId: string, name: string, value: unknown): Promise<void> {
    const folder = this.#folder(agentId);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const draft = join(folder, `.${name}.${randomUUID()}`);
    await writeFile(draft, JSON.stringify(value), { mode: 0o600 });
    await rename(draft, join(folder, name));
  }

  #folder(agentId: string): string {
    if (!agentIdSchema.safeParse(agentId).success)
      throw new WritError('invalid_request', 'An agent id is a lower-case UUID.', { field: 'agentId' });
    return join(this.root, agentId);
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(nothingIfAbsent([]));
}

async function readIfThere(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(nothingIfAbsent(null));
}

function nothingIfAbsent<T>(nothing: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return nothing;
    throw error;
  };
}
