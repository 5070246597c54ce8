// What every sandbox keeps, on every level: it starts, it is heard, it ends, and nothing of it is left.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { SandboxLevel, WritError } from '#protocol';
import { soak } from '../../../../test/support/soak.js';
import { diskContract } from './disk.contract.js';
import { identify } from './process.js';
import { codeOf, eventually, machineHas, never, Trial } from './trial.contract.js';

/** Descendants of every kind that have outlived their killers elsewhere: own session, nohup, orphan of an orphan, a loop of forks. */
const brood = `
setsid sleep 300 &
nohup sleep 301 >/dev/null 2>&1 &
(setsid sh -c 'trap "" TERM HUP INT; sleep 302 & wait' &)
(sh -c '(sh -c "sleep 303" &)' &)
`;

const project = fileURLToPath(new URL('../../../../', import.meta.url));

interface Kind {
  /** Paths inside are not those of the host. */
  readonly walls: boolean;
  /** Made and remembered by an engine rather than by us. */
  readonly container?: boolean;
}

export function sandboxContract(level: SandboxLevel, kind: Kind): void {
  let trial: Trial;
  const ofProcesses = (title: string, run: () => Promise<void>): void => {
    if (!kind.container) test(title, run);
  };

  beforeEach(async () => {
    trial = await Trial.open(level);
  });
  afterEach(() => trial.close());

  describe('a launch', () => {
    test('has its pipes, arguments, environment, folder and exit code', async () => {
      const argv = [
        'sh',
        '-c',
        'cat; echo "$1|$A|$(pwd)"; echo oops >&2; echo hi > file; exit 7',
        'sh',
        "it's $HOME",
      ] as const;
      const running = await trial.sandbox.launch(trial.spec([...argv], { env: { A: "b\n'c'" } }), never);
      running.stdin.end('in ');
      const folder = kind.walls ? '/work' : trial.work;
      expect(await text(running.stdout)).toBe(`in it's $HOME|b\n'c'|${folder}\n`);
      expect(await text(running.stderr)).toBe('oops\n');
      expect(await running.end).toEqual({ code: 7, signal: null });
      expect(readFileSync(join(trial.work, 'file'), 'utf8')).toBe('hi\n');
    });

    test('that is over before anybody listens loses nothing of what it said', async () => {
      const running = await trial.launch('seq 2000; echo oops >&2');
      await running.end;
      await sleep(50);
      expect((await text(running.stdout)).split('\n')).toHaveLength(2_001);
      expect(await text(running.stderr)).toBe('oops\n');
    });

    test('finds the Node that runs the spoke, and git', async () => {
      const { out } = await trial.run('node --version; git --version');
      expect(out).toContain(process.version);
      expect(out).toContain('git version');
    });

    test('has a writable home and temporary folder of its own', async () => {
      const { out } = await trial.run(
        'for d in /tmp "${HOME:-/tmp}"; do t=$(mktemp -p "$d") && echo ok && rm "$t"; done',
      );
      expect(out).toBe('ok\nok\n');
    });

    test('of a program that is not there ends with a code and says so', async () => {
      const running = await trial.sandbox.launch(trial.spec(['no-such-program']), never);
      const [err, end] = await Promise.all([text(running.stderr), running.end]);
      expect(err).toContain('no-such-program');
      expect(end.code).toBeGreaterThan(0);
    });

    test('[K-13] inherits no descriptor, and shares neither process group nor session with the spoke', async () => {
      const { out } = await trial.run(
        'for f in /proc/self/fd/*; do echo "$f $(readlink $f)"; done; echo "pgrp $(cut -d" " -f5 /proc/self/stat)"',
      );
      const strange = out
        .split('\n')
        .filter((line) => /^\/proc\/self\/fd\/\d/.test(line) && !/\/[012] |\/dev\/null$|\/proc\/| $/.test(line));
      expect(strange).toEqual([]);
      expect(out).not.toContain(
        `pgrp ${execFileSync('cut', ['-d ', '-f5', `/proc/${process.pid}/stat`])
          .toString()
          .trim()}\n`,
      );
    });

    test('[K-13] a signal to its whole process group does not reach the spoke', async () => {
      let hit = false;
      const note = (): void => void (hit = true);
      process.once('SIGUSR2', note);
      await trial.run('kill -USR2 0');
      await trial.run('kill -USR2 0 & wait');
      process.removeListener('SIGUSR2', note);
      expect(hit).toBe(false);
    });

    test('is over when its program is: what that leaves in the background ends with it [L-8]', async () => {
      const mark = `4${Date.now() % 1e8}`;
      const { end } = await trial.run(`${brood.replaceAll('30', mark)} exit 3`);
      expect(end.code).toBe(3);
      expect(machineHas(`sleep\0${mark}`)).toBe(false);
      expect(await trial.sandbox.survivors(trial.agentId)).toBe(0);
    });

    test('output nobody reads holds the agent back and costs no memory', async () => {
      const before = process.memoryUsage().rss;
      const running = await trial.launch('head -c 10G /dev/zero; echo done >&2');
      await once(running.stdout, 'readable');
      await sleep(200);
      expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
      expect(await trial.sandbox.survivors(trial.agentId)).toBeGreaterThan(0);
      expect(await trial.sandbox.stop(trial.agentId, 0)).toBe(0);
      await running.end;
    });

    test(
      'hands on every byte, however many there are',
      async () => {
        const bytes = soak ? 10 * 2 ** 30 : 2 ** 29;
        const running = await trial.launch(`head -c ${bytes} /dev/zero; echo end >&2`);
        let got = 0;
        for await (const piece of running.stdout as AsyncIterable<Buffer>) got += piece.length;
        expect(got).toBe(bytes);
        expect(await text(running.stderr)).toBe('end\n');
        expect((await running.end).code).toBe(0);
      },
      soak ? 600_000 : 60_000,
    );

    test('of an agent may be one of several, and they end together', async () => {
      const [one, other] = await Promise.all([trial.ready('sleep 300 &'), trial.ready('sleep 300 &')]);
      expect(await trial.sandbox.survivors(trial.agentId)).toBeGreaterThanOrEqual(2);
      expect(await trial.sandbox.stop(trial.agentId, 50)).toBe(0);
      await Promise.all([one.end, other.end]);
    });

    ofProcesses('takes tens of milliseconds, not hundreds', async () => {
      const times: number[] = [];
      for (let round = 0; round < 8; round++) {
        const start = performance.now();
        const running = await trial.launch('exit 0');
        times.push(performance.now() - start);
        await running.end;
      }
      expect(Math.min(...times)).toBeLessThan(150);
    });

    test.each([
      ['a mount over the system', { mounts: [{ from: '/tmp', to: '/usr' }] }],
      ['a mount over the root', { mounts: [{ from: '/tmp', to: '/' }] }],
      ['a mount that climbs', { mounts: [{ from: '/tmp', to: '/work/../etc' }] }],
      ['a relative mount', { mounts: [{ from: 'tmp', to: '/work' }] }],
      ['an argument with a NUL', { argv: ['sh', 'a\0--bind\0/\0/'] as [string, ...string[]] }],
      ['a variable with a NUL', { env: { A: 'a\0b' } }],
      ['a variable whose name is none', { env: { 'A B=C': 'x' } }],
      ['an agent id that is a path', { agentId: '../../etc' }],
    ])('with %s is refused', async (_what, wrong) => {
      expect(await codeOf(trial.sandbox.launch(trial.spec(['true'], wrong), never))).toBe('invalid_request');
      expect(await trial.sandbox.known()).toEqual([]);
    });

    test('with a mount that is missing is refused before anything starts', async () => {
      const mounts = [{ from: join(trial.folder, 'missing'), to: '/work' }];
      expect(await codeOf(trial.sandbox.launch(trial.spec(['true'], { mounts }), never))).toBe('sandbox_unavailable');
      expect(await trial.sandbox.known()).toEqual([]);
    });
  });

  describe('a stop', () => {
    test('[K-14] lets every process inside say good-bye, not only the first', async () => {
      const farewell = (name: string): string =>
        `sh -c 'trap "echo ${name} >> bye; exit" TERM; echo ${name} >> up; while :; do sleep 0.05; done'`;
      const lines = (file: string): string[] => {
        const path = join(trial.work, file);
        return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').sort() : [];
      };
      const patient = `trap "echo first >> bye" TERM; ${farewell('child')} & setsid ${farewell('stray')} &
        echo ready; until [ "$(wc -l < bye)" = 3 ]; do sleep 0.05; done 2>/dev/null`;
      const running = await trial.ready(patient);
      await eventually(() => lines('up').length === 2);
      expect(await trial.sandbox.stop(trial.agentId, 10_000)).toBe(0);
      expect(lines('bye')).toEqual(['child', 'first', 'stray']);
      await running.end;
    });

    test('[K-8] [K-10] [K-11] leaves nothing of agents that call setsid, nohup, fork twice and ignore SIGTERM', async () => {
      const mark = `5${Date.now() % 1e8}`;
      const running = await trial.ready(`trap "" TERM\n${brood.replaceAll('30', mark)}`);
      await eventually(() => machineHas(`sleep\0${mark}3`));
      const start = Date.now();
      expect(await trial.sandbox.stop(trial.agentId, 300)).toBe(0);
      expect(Date.now() - start).toBeLessThan(kind.container ? 10_000 : 1_300);
      expect(await trial.sandbox.survivors(trial.agentId)).toBe(0);
      expect(machineHas(`sleep\0${mark}`)).toBe(false);
      await running.end;
    });

    test('[K-11] catches what forks faster than one can look', async () => {
      const mark = `6${Date.now() % 1e8}`;
      await trial.ready(`trap "" TERM\nspawn() { sleep ${mark} & sleep 0.01; }\n(while :; do spawn; done) &`);
      expect(await trial.sandbox.stop(trial.agentId, 100)).toBe(0);
      expect(machineHas(`sleep\0${mark}`)).toBe(false);
    });

    test('of a cooperative agent does not wait for the grace to pass', async () => {
      await trial.ready('sleep 300 &');
      const start = Date.now();
      expect(await trial.sandbox.stop(trial.agentId, 20_000)).toBe(0);
      expect(Date.now() - start).toBeLessThan(5_000);
    });

    test('[K-4] is idempotent, also at the same time, and after the end', async () => {
      await trial.ready('sleep 300 &');
      const stop = (): Promise<number> => trial.sandbox.stop(trial.agentId, 100);
      expect(await Promise.all([stop(), stop(), stop()])).toEqual([0, 0, 0]);
      expect(await stop()).toBe(0);
    });

    test('[K-15] that comes at any moment of a launch wins', async () => {
      for (const delayMs of [0, 1, 3, 6, 10, 15, 25]) {
        const agentId = randomUUID();
        const launch = trial.sandbox.launch({ ...trial.spec(['sleep', '300']), agentId }, never);
        const outcome = launch.then(
          () => 'launched',
          (error: unknown) => (error as WritError).code,
        );
        await sleep(delayMs);
        expect(await trial.sandbox.stop(agentId, 0)).toBe(0);
        expect(['launched', 'killed']).toContain(await outcome);
        expect(await trial.sandbox.survivors(agentId)).toBe(0);
        expect(await codeOf(trial.sandbox.launch({ ...trial.spec(['true']), agentId }, never))).toBe('killed');
        await trial.sandbox.remove(agentId);
      }
    });

    test('[K-15] that comes before the launch refuses it', async () => {
      expect(await trial.sandbox.stop(trial.agentId, 0)).toBe(0);
      expect(await codeOf(trial.launch('echo never'))).toBe('killed');
    });

    test('spares the other agents', async () => {
      const other = await Trial.open(level);
      try {
        await trial.ready('sleep 300 &');
        await other.ready('sleep 300 &');
        await trial.sandbox.stop(trial.agentId, 0);
        expect(await other.sandbox.survivors(other.agentId)).toBeGreaterThan(0);
      } finally {
        await other.close();
      }
    });
  });

  describe('an abort', () => {
    test('ends it at once and for all', async () => {
      const abort = new AbortController();
      const mark = `7${Date.now() % 1e8}`;
      const running = await trial.ready(`trap "" TERM\n${brood.replaceAll('30', mark)}`, {}, abort.signal);
      abort.abort();
      await running.end;
      expect(await trial.sandbox.survivors(trial.agentId)).toBe(0);
      expect(machineHas(`sleep\0${mark}`)).toBe(false);
    });

    test('that came before the launch, or in it, is its outcome', async () => {
      await expect(trial.launch('true', {}, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
      const abort = new AbortController();
      const launch = trial.launch('sleep 300', {}, abort.signal);
      abort.abort(new Error('changed my mind'));
      await expect(launch).rejects.toThrow('changed my mind');
      expect(await trial.sandbox.survivors(trial.agentId)).toBe(0);
    });
  });

  describe('the record on disk', () => {
    test('lets the next life of the spoke see, stop and remove what the last one started', async () => {
      const running = await trial.ready(brood);
      const next = await trial.reopen(level);
      expect(await next.known()).toEqual([trial.agentId]);
      expect(await next.survivors(trial.agentId)).toBeGreaterThan(0);
      expect(await codeOf(next.remove(trial.agentId))).toBe('invalid_transition');
      expect(await next.stop(trial.agentId, 100)).toBe(0);
      await running.end;
      await next.remove(trial.agentId);
      await next.remove(trial.agentId);
      expect(await next.known()).toEqual([]);
    });

    test('after a kill -9 of the spoke, whenever it comes, what is left is found and ended', async () => {
      const built = join(project, 'dist/libs/agents/src/index.js');
      expect(existsSync(built)).toBe(true);
      for (const delayMs of [0, 5, 10, 20, 40, 400]) {
        const agentId = randomUUID();
        const mark = `8${Date.now() % 1e8}`;
        const spec = { ...trial.spec(['sh', '-c', `setsid sleep ${mark} & sleep ${mark}`]), agentId };
        const program = `
          import { openSandboxes } from '#agents';
          const sandboxes = await openSandboxes(${JSON.stringify(trial.options)});
          process.stdout.write('go');
          await sandboxes.at('${level}').launch(${JSON.stringify(spec)}, new AbortController().signal);
          setInterval(() => {}, 1000);`;
        const spoke = spawn(process.execPath, ['--input-type=module', '-e', program], {
          cwd: project,
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const exit = once(spoke, 'exit');
        await once(spoke.stdout, 'data');
        await sleep(delayMs);
        spoke.kill('SIGKILL');
        expect(await exit).toEqual([null, 'SIGKILL']);
        const next = await trial.reopen(level);
        expect(await next.stop(agentId, 0)).toBe(0);
        expect(await next.survivors(agentId)).toBe(0);
        await next.remove(agentId);
        await eventually(() => !machineHas(mark));
      }
    }, 120_000);

    ofProcesses('[K-12] a pid that belongs to another by now is never signalled', async () => {
      const innocent = spawn('sleep', ['300']);
      const { pid, start } = identify(innocent.pid!)!;
      const later = { pid, start: start - 1 };
      await trial.ready('sleep 300 &');
      const folder = join(trial.stateDir, level, trial.agentId);
      const name = readdirSync(folder).find((name) => name.startsWith('launch-'))!;
      const record = JSON.parse(readFileSync(join(folder, name), 'utf8')) as object;
      writeFileSync(
        join(folder, `launch-${randomUUID()}.json`),
        JSON.stringify({ ...record, outer: later, init: later }),
      );
      writeFileSync(
        join(folder, `launch-${randomUUID()}.json`),
        JSON.stringify({ ...record, outer: later, init: undefined }),
      );
      const otherBoot = { ...record, bootId: randomUUID(), outer: { pid, start }, init: { pid, start } };
      writeFileSync(join(folder, `launch-${randomUUID()}.json`), JSON.stringify(otherBoot));
      expect(await (await trial.reopen(level)).stop(trial.agentId, 0)).toBe(0);
      expect(innocent.exitCode ?? innocent.signalCode).toBeNull();
      expect(identify(pid)).toEqual({ pid, start });
      innocent.kill('SIGKILL');
    });
  });

  diskContract(level);
}
