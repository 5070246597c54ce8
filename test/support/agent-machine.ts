// A machine for one agent: what a runtime sees of the spoke, over the real sandboxes.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import type { LimitReached, Mount, PermissionWish, RuntimeHost, SandboxProcess, Sandboxes } from '#agents';
import { openSandboxes } from '#agents';
import { AgentModel } from '../../libs/agents/src/model/access.js';
import { newNonce, noUsage, type QuestionAnswer, type SandboxLevel, type Usage } from '#protocol';

export interface MachineOptions {
  /** The worktree on this machine. */
  readonly work: string;
  readonly mounts: readonly Mount[];
  readonly writable?: boolean;
  readonly level?: SandboxLevel;
  /** Thrown by every launch. */
  readonly refuseLaunch?: Error;
  /** Thrown by every output. */
  readonly refuseOutput?: LimitReached;
  /** The option that a person chooses; nobody answers when it is absent. */
  readonly answer?: (wish: PermissionWish) => string | Promise<string>;
  /** Thrown by the admission of that turn (from 1). */
  readonly refuse?: { readonly turn: number; readonly because: LimitReached };
}

/** The sandboxes of this machine, `none` among them; one look for all tests of a file. */
const stateDir = mkdtempSync(join(tmpdir(), 'writ-machine-'));
const sandboxes: Sandboxes = await openSandboxes({ stateDir, allowNone: true });
afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

export function works(level: SandboxLevel): boolean {
  return sandboxes.reports.some((report) => report.level === level && report.ok);
}

export class AgentMachine implements RuntimeHost {
  readonly agentId = randomUUID();
  readonly usage: Usage[] = [];
  readonly wishes: PermissionWish[] = [];
  readonly launches: { argv: readonly string[]; env: Readonly<Record<string, string>> }[] = [];
  admitted = 0;
  private text = '';
  private readonly stop = new AbortController();
  private watchers: (() => void)[] = [];

  readonly model: AgentModel;

  constructor(private readonly options: MachineOptions) {
    const launch = this.start.bind(this);
    const folder = join(stateDir, 'model', this.agentId);
    this.model = new AgentModel({ folder, purse: this, allows: () => true, signal: this.signal, launch });
  }

  get signal(): AbortSignal {
    return this.stop.signal;
  }

  get said(): string {
    return this.text;
  }

  get work(): string {
    return (this.options.level ?? 'none') === 'none' ? this.options.work : '/work';
  }

  abort(): void {
    this.stop.abort(new Error('killed'));
  }

  /** Ends every process that was launched here. Returns how many are left. */
  async close(): Promise<number> {
    await this.model.close();
    const left = await this.sandbox.stop(this.agentId, 0);
    await this.sandbox.remove(this.agentId);
    return left;
  }

  launch(
    argv: readonly [string, ...string[]],
    env: Readonly<Record<string, string>> = {},
    signal = this.signal,
  ): Promise<SandboxProcess> {
    return this.start(argv, env, [], signal);
  }

  output(text: string): Promise<void> {
    if (this.options.refuseOutput) return Promise.reject(this.options.refuseOutput);
    this.text += text;
    for (const watcher of this.watchers) watcher();
    return Promise.resolve();
  }

  async permission(wish: PermissionWish, signal: AbortSignal): Promise<QuestionAnswer> {
    this.wishes.push(wish);
    const option = await (this.options.answer ? this.options.answer(wish) : silence(signal));
    const allows = wish.options.find(({ id }) => id === option)?.allows ?? false;
    const actor = { kind: 'key', id: 'somebody' } as const;
    return { questionId: newNonce(), kind: 'permission', option, allows, actor, at: new Date().toISOString() };
  }

  /** Resolves once the output has that text. */
  async until(text: string): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = () => {
        if (this.text.includes(text)) resolve();
      };
      this.watchers.push(look);
      look();
    });
  }

  /** As a purse: what it would hold is not looked at. */
  async reserve(): Promise<{ settle: (spent: Usage) => Promise<void> }> {
    await this.admitTurn();
    return { settle: (spent) => (spent === noUsage ? Promise.resolve() : this.record(spent)) };
  }

  admitTurn(): Promise<void> {
    this.admitted += 1;
    const { refuse } = this.options;
    return refuse?.turn === this.admitted ? Promise.reject(refuse.because) : Promise.resolve();
  }

  record(delta: Usage): Promise<void> {
    this.usage.push(delta);
    return Promise.resolve();
  }

  private async start(
    argv: readonly [string, ...string[]],
    env: Readonly<Record<string, string>>,
    more: readonly Mount[],
    signal = this.signal,
  ): Promise<SandboxProcess> {
    if (this.options.refuseLaunch) throw this.options.refuseLaunch;
    this.launches.push({ argv, env });
    const { work, mounts, writable = false } = this.options;
    const all = [{ from: work, to: '/work', writable }, ...mounts, ...more];
    const spec = { agentId: this.agentId, argv, env, cwd: '/work', mounts: all, limits: {} };
    return this.sandbox.launch(spec, AbortSignal.any([this.signal, signal]));
  }

  private get sandbox() {
    const found = sandboxes.at(this.options.level ?? 'none');
    if (!found) throw new Error('This machine has no such sandbox.');
    return found;
  }
}

function silence(signal: AbortSignal): Promise<string> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
