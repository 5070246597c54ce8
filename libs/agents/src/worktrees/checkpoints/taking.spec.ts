// Checkpoints room: what is kept, and what goes for it.
import { describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import {
  agentId,
  cellar,
  everything,
  git,
  havoc,
  open,
  put,
  reopen,
  restore,
  take,
  text,
  tree,
  turns,
  withWorktree,
  worktrees,
} from './checkpoints.fixture.js';

withWorktree();

describe('a checkpoint', () => {
  test('changes nothing that the agent can see: no file, no time, no index, no HEAD', async () => {
    havoc();
    git(tree, 'add', 'sum.js');
    const before = everything(tree);
    await take(1);
    expect(everything(tree)).toEqual(before);
    expect(await worktrees.checkpoints.list(agentId)).toEqual([
      { turn: 1, before: 'turn', at: '2030-01-01T00:01:00.000Z' },
    ]);
    expect(git(cellar(), 'for-each-ref', '--format=%(refname)')).toBe(`refs/writ/checkpoints/${agentId}/1`);
    expect(await worktrees.checkpoints.memory(agentId, 1)).toBe('memory 1');
  });

  test('of what has not changed has the same tree, and takes no more room than its ref', async () => {
    await take(1);
    const bytes = () => git(cellar(), 'count-objects', '-v').split('\n')[0];
    await take(2, { memory: 'memory 1' });
    const [one, two] = [1, 2].map((turn) =>
      git(cellar(), 'rev-parse', `refs/writ/checkpoints/${agentId}/${turn}:tree`),
    );
    expect(two).toBe(one);
    const before = Number(bytes()?.split(' ')[1]);
    await take(3, { memory: 'memory 1' });
    expect(Number(bytes()?.split(' ')[1]) - before).toBeLessThanOrEqual(2);
  });

  test('that was not taken of a still agent is none: the reason stands in its place, and there is no way back to it', async () => {
    expect(await take(1, { unmoved: () => Promise.resolve(false) })).toMatchObject({ missing: /held still/ as never });
    expect(await worktrees.checkpoints.list(agentId)).toMatchObject([
      { turn: 1, missing: expect.stringMatching(/held still/) },
    ]);
    await take(2);
    await expect(worktrees.checkpoints.restore(agentId, 1, 2)).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(worktrees.checkpoints.restore(agentId, 7, 2)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('[W-2] the oldest go when there are too many, but never the one that is spared', async () => {
    await open({ keptMax: 3, bytesMax: 2 ** 30 });
    for (const turn of [1, 2, 3, 4, 5]) await take(turn);
    expect(await turns()).toEqual([3, 4, 5]);
    await take(6, { sparing: 3 });
    expect(await turns()).toEqual([3, 5, 6]);
  });

  test('[W-2] the oldest go when they take too much room, and their room is free again', async () => {
    await open({ keptMax: 20, bytesMax: 2 ** 20 });
    for (const turn of [1, 2, 3, 4, 5, 6]) {
      put('noise', Array.from({ length: 9_000 }, () => randomUUID()).join(''));
      await take(turn);
    }
    const left = await turns();
    expect(left.at(-1)).toBe(6);
    expect(left.length).toBeLessThan(6);
    expect(Number(/^size: (\d+)$/m.exec(git(cellar(), 'count-objects', '-v'))?.[1])).toBeLessThanOrEqual(1_024);
    put('noise', '');
    expect(await worktrees.checkpoints.restore(agentId, 6, 6)).toBe(0);
    expect(text('noise').length).toBe(324_000);
  });

  test('[W-2] a file that is larger than all checkpoints may be is not read, sparse or not, and the next one without it is kept', async () => {
    await open({ keptMax: 20, bytesMax: 2 ** 20 });
    put('huge', '');
    truncateSync(join(tree, 'huge'), 2 ** 42);
    expect((await take(1)).missing).toMatch(/larger than 1048576 bytes/);
    expect(readdirSync(join(cellar(), 'objects')).length).toBeLessThan(10);
    rmSync(join(tree, 'huge'));
    expect((await take(2)).missing).toBeUndefined();
  });

  test('goes with its worktree', async () => {
    await take(1);
    await worktrees.remove(agentId);
    expect(existsSync(cellar())).toBe(false);
  });
});

describe('a checkpoint that is made ahead of its turn', () => {
  const wish = (turn: number) => ({ turn, memory: `memory ${turn}` });
  const prepare = (turn: number, memory = `memory ${turn}`) => {
    const at = new Date(Date.UTC(2030, 0, 1, 0, turn)).toISOString();
    const unmoved = () => Promise.resolve(true);
    return worktrees.checkpoints.prepare(agentId, { turn, before: 'turn', at, memory, unmoved });
  };
  const isAsPrepared = (turn: number, memory = `memory ${turn}`) =>
    worktrees.checkpoints.isAsPrepared(agentId, { ...wish(turn), memory });

  test('is none until it counts, and then it is one like any other', async () => {
    put('sum.js', 'two\n');
    const before = everything(tree);
    expect(await prepare(1)).toBe(true);
    expect(await isAsPrepared(1)).toBe(true);
    expect(everything(tree)).toEqual(before);
    expect([await turns(), await isAsPrepared(2)]).toEqual([[], false]);
    expect(await worktrees.checkpoints.count(agentId, 2)).toBeUndefined();
    const counted = { turn: 1, before: 'turn', at: '2030-01-01T00:01:00.000Z' };
    expect(await worktrees.checkpoints.count(agentId, 1)).toEqual(counted);
    expect(await worktrees.checkpoints.list(agentId)).toEqual([counted]);
    expect(git(cellar(), 'for-each-ref', '--format=%(refname)')).toBe(`refs/writ/checkpoints/${agentId}/1`);
    expect([await worktrees.checkpoints.memory(agentId, 1), await isAsPrepared(1)]).toEqual(['memory 1', false]);
    put('sum.js', 'three\n');
    await restore(1, 2);
    expect(text('sum.js')).toBe('two\n');
  });

  test('is found again after a restart, but not as what it was when anything has changed: a file, a mode, HEAD, what is remembered', async () => {
    await prepare(1);
    reopen();
    expect([await isAsPrepared(1), await isAsPrepared(1, 'another')]).toEqual([true, false]);
    for (const [change, undo] of [
      [() => put('sum.js', 'two\n'), () => put('sum.js', 'one\n')],
      [() => put('new', ''), () => rmSync(join(tree, 'new'))],
      [() => chmodSync(join(tree, 'run.sh'), 0o644), () => chmodSync(join(tree, 'run.sh'), 0o755)],
      [() => git(tree, 'checkout', '--quiet', '-b', 'other'), () => git(tree, 'checkout', '--quiet', '-')],
    ] as const) {
      change();
      expect(await isAsPrepared(1)).toBe(false);
      undo();
      expect(await isAsPrepared(1)).toBe(true);
    }
  });

  test('is made anew after another look at the files: what was found then would not be in it', async () => {
    await prepare(1);
    put('sum.js', 'two\n');
    await take(1, { before: 'restore', memory: 'memory 1' });
    expect(await isAsPrepared(1)).toBe(false);
    expect(await prepare(2)).toBe(true);
    expect(await isAsPrepared(2)).toBe(true);
  });

  test('[W-2] takes the place of the oldest when it counts, not before; what cannot be kept is not made ahead', async () => {
    await open({ keptMax: 2, bytesMax: 2 ** 20 });
    for (const turn of [1, 2]) await take(turn);
    expect([await prepare(3), await turns()]).toEqual([true, [1, 2]]);
    await worktrees.checkpoints.count(agentId, 3);
    expect(await turns()).toEqual([2, 3]);
    put('huge', '');
    truncateSync(join(tree, 'huge'), 2 ** 42);
    expect([await prepare(4), await isAsPrepared(4)]).toEqual([false, false]);
    expect(await worktrees.checkpoints.count(agentId, 4)).toBeUndefined();
    expect(git(cellar(), 'for-each-ref', '--format=%(refname:lstrip=-1)')).toBe('2\n3');
  });
});
