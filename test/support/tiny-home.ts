// A person's home with one tiny instance in it, and `writ` as that person types it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentResource } from '#protocol';
import { writInTerminal, type Size, type Terminal } from './terminal.js';
import { startTinyApi, type TinyApi } from './tiny-api.js';
import { tinyPeerControllers } from './tiny-peers.js';
import { writ, type Ran } from './writ.js';

const spawning = ['spawn', '--repo', 'https://example.org/a.git', '--item', 'x'];

export class TinyHome {
  private constructor(
    readonly folder: string,
    readonly api: TinyApi,
  ) {}

  static async open(role: 'hub' | 'spoke' = 'spoke'): Promise<TinyHome> {
    const folder = mkdtempSync(join(tmpdir(), 'writ-home-'));
    const stateDir = join(folder, '.writ', role);
    return new TinyHome(folder, await startTinyApi({ stateDir, role, controllers: tinyPeerControllers }));
  }

  run(...args: string[]): Promise<Ran> {
    return writ(args, { env: { HOME: this.folder } });
  }

  /** In a terminal of its own, through a shell: redirections are allowed. */
  type(words: string, env: Readonly<Record<string, string>> = {}, size?: Size): Terminal {
    return writInTerminal(words, { HOME: this.folder, ...env }, size);
  }

  async spawned(...more: string[]): Promise<AgentResource> {
    const { out } = await this.run(...spawning, ...more, '-o', 'json');
    return JSON.parse(out) as AgentResource;
  }

  async close(): Promise<void> {
    await this.api.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
