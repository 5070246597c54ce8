// Who runs the agents: this process, under a name that it renews in the store while it lives. Without renewal, or when
// its process is seen to be gone, its agents are nobody's and the next one looks after them. [L-11] [S-5]
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Key, Store } from '#store';
import type { AgentsLog } from '../deps.js';
import type { Lease } from '../lifecycle/record.js';

const keyOf = (holder: string): Key => ['agents', 'holder', holder];

/** A process of this machine, safe against a reused pid: start time and boot belong to it. [K-12] */
interface ProcessIdentity {
  readonly pid: number;
  readonly started: string;
  readonly boot: string;
}

interface HolderRecord extends ProcessIdentity {
  readonly site: string;
  /** It ended in order, and nothing of its agents lives. */
  readonly hasLeft?: boolean;
}

export interface HolderOptions {
  readonly stateDir: string;
  /** In milliseconds. */
  readonly leaseMs: number;
  /** Random by default. */
  readonly id?: string | undefined;
}

export class Holder {
  private timer?: NodeJS.Timeout;

  private constructor(
    readonly holder: string,
    /** The state folder on this machine, under a name that survives restarts. */
    readonly site: string,
    private readonly self: ProcessIdentity,
    private readonly store: Store,
    private readonly leaseMs: number,
    private readonly log: AgentsLog,
  ) {}

  /** What a lease says of its holder. */
  get mark(): Pick<Lease, 'holder' | 'site'> {
    return { holder: this.holder, site: this.site };
  }

  static async open(store: Store, { stateDir, leaseMs, id }: HolderOptions, log: AgentsLog): Promise<Holder> {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    const self = await identityOf(process.pid);
    const unknown = { pid: process.pid, started: 'unknown', boot: 'unknown' };
    return new Holder(id ?? randomUUID(), await siteOf(stateDir), self ?? unknown, store, leaseMs, log);
  }

  /** @throws when the store does not take it: without a claim nothing may run. */
  async claim(): Promise<void> {
    await this.renew();
    const renewal = () => void this.renew().catch((cause: unknown) => this.log.error({ cause }, 'lease not renewed'));
    this.timer = setInterval(renewal, this.leaseMs / 3).unref();
  }

  /** Its sessions are left to the next start on the same folder, for as long as the lease runs. */
  async give(): Promise<void> {
    clearInterval(this.timer);
    await this.write({ hasLeft: true });
  }

  /** Whether nobody runs the agents of that holder any more. One that has left a folder of its own may come back for its sessions: `now` does not wait for that. */
  async isGone(holder: string, when: 'now' | 'for good' = 'for good'): Promise<boolean> {
    if (holder === this.holder) return false;
    const entry = await this.store.get<HolderRecord>(keyOf(holder));
    if (!entry) return true;
    const isHere = entry.value.site === this.site;
    if (entry.value.hasLeft) return isHere || when === 'now';
    if (!isHere) return false;
    const now = await identityOf(entry.value.pid);
    return now?.started !== entry.value.started || now.boot !== entry.value.boot;
  }

  private renew(): Promise<void> {
    return this.write({});
  }

  private async write(more: Pick<HolderRecord, 'hasLeft'>): Promise<void> {
    const value: HolderRecord = { ...this.self, site: this.site, ...more };
    await this.store.commit({ puts: [{ key: keyOf(this.holder), value, ttlMs: this.leaseMs }] });
  }
}

async function siteOf(stateDir: string): Promise<string> {
  const path = join(stateDir, 'site');
  await writeFile(path, randomUUID(), { flag: 'wx', mode: 0o600 }).catch(() => undefined);
  return (await readFile(path, 'utf8')).trim();
}

/** Undefined when there is no such process, or no /proc to tell. */
async function identityOf(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, started: fields[19] ?? '', boot: boot.trim() };
  } catch {
    return undefined;
  }
}
