// A limit on disk: an agent that fills it is ended, whichever way it fills; the others go on.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { SandboxLevel } from '#protocol';
import { Trial } from './trial.contract.js';

const mebibyte = 2 ** 20;
const limits = { diskBytesMax: 8 * mebibyte };
const piece = 'head -c 1048576 /dev/zero';
const deep = `${'d'.repeat(200)}/`.repeat(8);
const slowly = 'sleep 0.02';

export function diskContract(level: SandboxLevel): void {
  let trial: Trial;

  beforeEach(async () => {
    trial = await Trial.open(level);
  });
  afterEach(() => trial.close());

  describe('a limit on disk', () => {
    test('is said to be watched, and is no wall', async () => {
      const running = await trial.launch('true', limits);
      expect(running.enforced).toEqual(expect.arrayContaining(['disk(watched)', 'file-size']));
      expect(running.enforced).not.toContain('diskBytesMax');
      expect(await running.end).toEqual({ code: 0, signal: null });
    });

    test.each([
      ['many files', `i=0; while :; do ${piece} > f$i; i=$((i + 1)); ${slowly}; done`],
      [
        'files that have no name any more',
        `exec 8> f 9> g; rm f g; while :; do ${piece} >&8; ${piece} >&9; ${slowly}; done`,
      ],
      [
        'files without content',
        'i=0; while :; do mkdir -p d$i; for j in $(seq 500); do : > d$i/$j; done; i=$((i + 1)); done',
      ],
      ['a tree deeper than a path can be', `while :; do mkdir -p ${deep}; cd ${deep}; ${slowly}; done`],
    ])(
      'ends an agent that fills the disk with %s, and spares the others',
      async (_what, script) => {
        const other = await Trial.open(level);
        try {
          const beside = await other.launch('read go; echo still here', limits);
          const running = await trial.launch(script, limits);
          const end = await running.end;
          expect(end).toMatchObject({ limit: 'diskBytesMax' });
          expect(await trial.sandbox.survivors(trial.agentId)).toBe(0);
          beside.stdin.end('go\n');
          expect(await text(beside.stdout)).toBe('still here\n');
          expect(await beside.end).toEqual({ code: 0, signal: null });
        } finally {
          await other.close();
        }
      },
      60_000,
    );

    test('lets no single file grow above it, however fast', async () => {
      await trial.run('trap "" XFSZ; head -c 5G /dev/zero > big', limits);
      expect(statSync(join(trial.work, 'big')).size).toBe(limits.diskBytesMax);
    });

    test('counts a file of several names once, and what is removed no more', async () => {
      const links = `${piece} > a; for i in $(seq 20); do ln a l$i; done`;
      const turnover = `for i in $(seq 20); do ${piece} > b; rm b; ${slowly}; done`;
      expect((await trial.run(`${links}; ${turnover}`, limits)).end).toEqual({ code: 0, signal: null });
    });

    test('holds for a program that is over before anybody looks', async () => {
      const filler = 'for i in $(seq 12); do head -c 1048576 /dev/zero > f$i; done';
      expect((await trial.run(filler, limits)).end).toMatchObject({ limit: 'diskBytesMax' });
    });
  });
}
