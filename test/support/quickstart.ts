// The quick starts as they stand in docs/: each block a few lines of shell that somebody types on one of two machines.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { root } from './instance.js';
import { follows } from './playbook.js';
import { until } from './until.js';

type Place = 'hub' | 'spoke';

export interface Block {
  readonly place: Place;
  /** Runs until the end of the story. */
  readonly stays: boolean;
  readonly script: string;
  /** What has to be among what is printed, in this order. */
  readonly printed: readonly string[];
}

/** The blocks of each `##` of a page. @throws Error for a block that says not where it is typed */
export function quickstart(page: string): ReadonlyMap<string, readonly Block[]> {
  const sections = readFileSync(join(root, page), 'utf8').split(/^## /m).slice(1);
  const all = sections.map((section) => [section.split('\n')[0] ?? '', blocksOf(section)] as const);
  return new Map(all.filter(([, blocks]) => blocks.length > 0));
}

function blocksOf(section: string): Block[] {
  return [...section.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, block = '']) => {
    const [head = '', ...lines] = block.trimEnd().split('\n');
    const [, place, stays] = /^# on the (hub|spoke)(, in a terminal of its own)?$/.exec(head) ?? [];
    if (place === undefined) throw new Error(`Who types this, and where: ${head}`);
    const said = lines.flatMap((line) => (line.split(/\s#>\s/)[1] ?? '').split('…').map((part) => part.trim()));
    const printed = said.filter((part) => part !== '');
    return {
      place: place as Place,
      stays: stays !== undefined,
      script: lines.map((line) => line.split(/\s+#>\s/)[0] ?? '').join('\n'),
      printed,
    };
  });
}

/** What the words in capitals stand for, as they come up. */
export type Known = Map<string, string>;

const word = /\b(INVITE|HUB_WORDS|SPOKE_WORDS|HUB_ROOT|SPOKE_ROOT|SPOKE|REPOSITORY|ID|KEY)\b/g;

/** @throws Error for a word that nobody has seen yet */
function filledIn(line: string, known: Known): string {
  return line.replace(word, (name) => {
    const value = known.get(name);
    if (value === undefined) throw new Error(`${name} is not known yet: ${line}`);
    return value;
  });
}

/** What a reader takes from the screen to type it later, the last of each kind. */
function takeOver(output: string, known: Known): void {
  const seen = {
    INVITE: /(writ1\.[\w-]+\.[\w-]{4})/g,
    KEY: /(writ_[a-z2-7]{10}_[\w-]{43})/g,
    ID: /^agent\s+([0-9a-f-]{36})/gm,
  };
  for (const [name, pattern] of Object.entries(seen)) {
    const [, last] = [...output.matchAll(pattern)].at(-1) ?? [];
    if (last !== undefined) known.set(name, last);
  }
}

/** Somebody at a shell, with a home of their own and `writ` on the path. */
export class Typist {
  readonly home: string;
  #exports: string[] = [];
  #staying?: ReturnType<typeof spawn>;

  constructor(
    folder: string,
    private readonly place: Place,
    private readonly known: Known,
  ) {
    this.home = join(folder, place);
    mkdirSync(join(this.home, 'bin'), { recursive: true });
    symlinkSync(join(root, 'apps/cli/bin/writ.mjs'), join(this.home, 'bin/writ'));
    symlinkSync(join(root, 'examples'), join(this.home, 'examples'));
  }

  /** Types the block and holds what comes to what the page says; null when it is so. */
  async types({ script, printed, stays }: Block): Promise<string | null> {
    const lines = filledIn(script, this.known).replaceAll('http://127.0.0.1:7700', this.known.get('URL') ?? '');
    if (stays) return this.leaves(lines);
    const child = this.shell([...this.#exports, 'set -e; exec 2>&1', lines].join('\n'));
    const ended = once(child, 'exit');
    const out = await text(child.stdout!);
    const [code] = (await ended) as [number | null];
    this.#exports.push(...lines.split('\n').filter((line) => line.startsWith('export ')));
    takeOver(out, this.known);
    const wanted = printed.map((part) => filledIn(part, this.known));
    const isSo = code === 0 && follows(out, wanted);
    return isSo ? null : `${lines}\n→ ${code}\n${out}`;
  }

  /** The process behind the instance of this home. */
  pid(): number | undefined {
    return this.instance()?.pid;
  }

  url(): string | undefined {
    return this.instance()?.url;
  }

  async leave(): Promise<void> {
    const pid = this.pid();
    if (pid !== undefined) process.kill(pid, 'SIGTERM');
    await until(`the ${this.place} has ended`, () => this.pid() === undefined, 20_000);
    if (this.#staying && this.#staying.exitCode === null) await once(this.#staying, 'exit');
  }

  private async leaves(lines: string): Promise<null> {
    this.#staying = this.shell(`exec ${lines}`, 'ignore');
    await until(`the ${this.place} listens`, () => this.url(), 60_000);
    return null;
  }

  private instance(): { readonly pid: number; readonly url: string } | undefined {
    const file = join(this.home, '.writ', this.place, 'instance.json');
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as { pid: number; url: string };
    } catch {
      return undefined;
    }
  }

  private shell(script: string, output: 'pipe' | 'ignore' = 'pipe') {
    const path = [join(this.home, 'bin'), join(root, 'node_modules/.bin'), process.env.PATH].join(':');
    const env = { PATH: path, HOME: this.home, WRIT_PORT: '0', NODE_NO_WARNINGS: '1' };
    return spawn('sh', ['-c', script], { cwd: this.home, env, stdio: ['ignore', output, output] });
  }
}
