import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventData } from '#protocol';
import type { OutputChunk } from '../agents.js';
import { admin, cleaned, eventually, inState, Room } from '../../../../test/support/agents.js';
import type { LocalAgents } from '../local.js';
import { firstCharacter, pieces, wholeCharacters } from './utf8.js';

const soon = () => AbortSignal.timeout(20_000);

async function gathered(chunks: AsyncIterable<OutputChunk>): Promise<OutputChunk[]> {
  const all: OutputChunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

describe('output', () => {
  let room: Room;
  let agents: LocalAgents;

  beforeAll(async () => {
    room = await Room.make();
    agents = await room.open({ options: { outputInlineBytesMax: 40_000 } });
  });
  afterAll(() => room.close());

  const told = async (agentId: string) => {
    const events = (await room.events()).filter(({ subject, type }) => subject === agentId && type === 'agent.output');
    return events.map(({ data }) => data as EventData<'agent.output'>);
  };

  test('[O-1] all that an agent said stays readable after its sandbox and worktree are gone', async () => {
    const { agentId } = await agents.spawn(room.request('for n in 1 2 3; do echo "line $n ✓"; done'));
    await cleaned(agents, agentId);
    const chunk = await agents.output(agentId, 0, 65_536);
    expect(chunk).toEqual({ offset: 0, text: 'line 1 ✓\nline 2 ✓\nline 3 ✓\n', next: 33, end: true, dropped: 0 });
    expect(await agents.output(agentId, 11, 11)).toMatchObject({ text: 'line 2 ✓\n', next: 22, end: false });
  });

  test('[O-2] a follower gets everything as it comes, and an explicit end', async () => {
    const { agentId } = await agents.spawn(room.request('echo one; sleep 0.2; echo two; sleep 0.2; echo three'));
    const chunks = await gathered(agents.follow(agentId, 0, soon()));
    expect(chunks.map(({ text }) => text).join('')).toBe('one\ntwo\nthree\n');
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks.map(({ end }) => end)).toEqual([...Array<boolean>(chunks.length - 1).fill(false), true]);
    const rest = await gathered(agents.follow(agentId, 4, soon()));
    expect(rest.map(({ text }) => text).join('')).toBe('two\nthree\n');
  });

  test('[O-2] a follower who leaves ends without an error, and the agent goes on', async () => {
    const { agentId } = await agents.spawn(room.request('echo one; sleep 60'));
    const leaving = new AbortController();
    for await (const chunk of agents.follow(agentId, 0, leaving.signal)) {
      expect(chunk.text).toBe('one\n');
      leaving.abort();
    }
    expect((await agents.get(agentId)).state).toBe('running');
    await agents.kill(agentId, admin, 'over');
  });

  test('the first bytes are events with text, in order and without gaps; after that only offsets', async () => {
    const { agentId } = await agents.spawn(room.request('yes "0123456789 äöü" | head -n 5000'));
    const { outputBytes } = await cleaned(agents, agentId);
    const events = await told(agentId);
    expect(outputBytes).toBe(5_000 * 18);
    let offset = 0;
    for (const event of events) {
      expect(event.offset).toBe(offset);
      if (event.text !== undefined) expect(Buffer.byteLength(event.text)).toBe(event.bytes);
      expect(event.text === undefined || event.bytes <= 16_384).toBe(true);
      offset += event.bytes;
    }
    expect(offset).toBe(outputBytes);
    const text = events.map((event) => event.text ?? '').join('');
    expect(Buffer.byteLength(text)).toBeGreaterThan(39_000);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(40_000);
    expect(text).not.toContain('\uFFFD');
  });

  test('a chatty agent costs a commit per moment, not one per line', async () => {
    const { agentId } = await agents.spawn(room.request('for n in $(seq 2000); do echo $n; done'));
    await cleaned(agents, agentId);
    expect((await told(agentId)).length).toBeLessThan(20);
  });

  test('output beyond the limit is dropped and counted, and the agent still completes', async () => {
    const limits = { outputBytesMax: 1_001 };
    const { agentId } = await agents.spawn(room.request('yes äääää | head -n 1000; echo done > made.txt', { limits }));
    const agent = await cleaned(agents, agentId);
    expect(agent).toMatchObject({ state: 'completed', outputBytes: 1_001, result: { changes: { files: 1 } } });
    const chunk = await agents.output(agentId, 0, 65_536);
    expect(chunk).toMatchObject({ next: 1_001, end: true, dropped: 11_000 - 1_001 });
    expect((await told(agentId)).at(-1)).toMatchObject({ dropped: 11_000 - 1_001 });
  });

  test('[O-1] head and end of too much output are kept, with a line between them that says what is missing', async () => {
    const limits = { outputBytesMax: 100_000 };
    const { agentId } = await agents.spawn(room.request('seq 1 100000; echo "the end ✓"', { limits }));
    const agent = await cleaned(agents, agentId);
    const { text: head, next, dropped } = await agents.output(agentId, 0, 50_000);
    const { text: rest, end } = await agents.output(agentId, next, 65_536);
    const [before, missing, after] = (head + rest).split(/\n\[(\d+) bytes were dropped here\]\n/);
    const said = Array.from({ length: 100_000 }, (_, n) => `${n + 1}\n`).join('') + 'the end ✓\n';
    expect(end).toBe(true);
    expect(agent.outputBytes).toBeLessThanOrEqual(100_000);
    expect([Number(missing), said.startsWith(before!), said.endsWith(after!)]).toEqual([dropped, true, true]);
    expect(after!.length).toBeGreaterThan(6_000);
    expect(Buffer.byteLength(before! + after!) + dropped).toBe(Buffer.byteLength(said));
    expect((await told(agentId)).at(-1)).toMatchObject({ dropped });
  });

  test('what fits into the room for the end is whole, without a line', async () => {
    const limits = { outputBytesMax: 100_000 };
    const { agentId } = await agents.spawn(room.request('seq 1 17500', { limits }));
    expect((await cleaned(agents, agentId)).outputBytes).toBe(93_894);
    const text = (await agents.output(agentId, 0, 93_894)).text;
    expect(text.endsWith('\n17499\n17500\n')).toBe(true);
    expect(text).not.toContain('dropped');
  });

  test('[O-4] a full disk loses output, says so, and does not fail the run', async () => {
    const { agentId } = await agents.spawn(room.request('sleep 0.5; echo lost; echo ok > made.txt'));
    const spool = join(room.folder, 'agents', 'output', agentId);
    await symlink('/dev/full', spool);
    const agent = await cleaned(agents, agentId);
    expect(agent).toMatchObject({ state: 'completed', outputBytes: 0, result: { changes: { files: 1 } } });
    expect(await agents.output(agentId, 0, 100)).toMatchObject({ text: '', dropped: 5, end: true });
  });

  test('a spool that is gone says so instead of waiting for ever', async () => {
    const { agentId } = await agents.spawn(room.request('echo hello'));
    await cleaned(agents, agentId);
    await rm(join(room.folder, 'agents', 'output', agentId));
    expect(await gathered(agents.follow(agentId, 0, soon()))).toEqual([
      { offset: 0, text: '', next: 0, end: true, dropped: 6 },
    ]);
  });

  test('output of agents that ended long ago is removed at the next start', async () => {
    const { agentId } = await agents.spawn(room.request('echo old'));
    await cleaned(agents, agentId);
    await agents.close();
    await eventually(
      async () => Date.now(),
      (now) => now % 10 === 0,
    );
    agents = await room.open({ options: { outputKeepMs: 1 } });
    expect(await agents.output(agentId, 0, 100)).toMatchObject({ text: '', end: true, dropped: 4 });
  });

  test('what an agent says last before a kill is not lost', async () => {
    const { agentId } = await agents.spawn(
      room.request(`trap 'echo bye; exit 1' TERM; echo hi; while :; do sleep 0.05; done`),
    );
    await inState(agents, agentId, 'running');
    await eventually(
      () => agents.output(agentId, 0, 100),
      ({ text }) => text !== '',
    );
    await agents.kill(agentId, admin, 'stop');
    expect(await agents.output(agentId, 0, 100)).toMatchObject({ text: 'hi\nbye\n', end: true });
  });
});

describe('cuts of UTF-8', () => {
  const text = Buffer.from('aä€😀');

  test.each([
    [1, 1],
    [2, 1],
    [3, 3],
    [5, 3],
    [6, 6],
    [9, 6],
    [10, 10],
  ])('of at most %i bytes, %i are whole characters', (bytesMax, whole) => {
    expect(wholeCharacters(text, bytesMax)).toBe(whole);
    expect(wholeCharacters(text.subarray(0, bytesMax))).toBe(whole);
  });

  test('pieces put together are the whole, and none cuts a character', () => {
    const long = Buffer.from('😀ä'.repeat(100));
    const cut = pieces(long, 7);
    expect(Buffer.concat(cut).equals(long)).toBe(true);
    expect(cut.every((piece) => piece.length <= 7 && !piece.toString().includes('\uFFFD'))).toBe(true);
  });

  test('an offset within a character starts at the next one', () => {
    expect(firstCharacter(text.subarray(2))).toBe(1);
    expect(firstCharacter(text.subarray(3))).toBe(0);
  });
});
