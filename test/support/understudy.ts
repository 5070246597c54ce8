// The understudy as a process: the stand-in for the model API that plays a script.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { request } from 'undici';
import type { Recorded } from '../../apps/understudy/src/server.js';
import { root } from './instance.js';

/** Scripts that come with the understudy, by name. */
export function scriptFile(name: string): string {
  return join(root, 'apps', 'understudy', 'scripts', `${name}.json`);
}

export class UnderstudyProcess {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /** @throws Error when the script is not one */
  static async start(script: string): Promise<UnderstudyProcess> {
    const main = join(root, 'dist', 'apps', 'understudy', 'src', 'main.js');
    const child = spawn(process.execPath, [main, '--script', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    const complaint: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => complaint.push(chunk.toString()));
    const ended = once(child, 'exit').then(() =>
      Promise.reject(new Error(`the understudy did not start: ${complaint.join('')}`)),
    );
    ended.catch(() => undefined);
    const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as [string];
    return new UnderstudyProcess((JSON.parse(line) as { url: string }).url, child);
  }

  /** What it was asked so far, oldest first, and which conversation answered. */
  async requests(): Promise<Recorded[]> {
    const answer = await request(`${this.url}/requests`);
    return (await answer.body.json()) as Recorded[];
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
  }
}
