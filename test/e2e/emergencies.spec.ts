// The seven emergencies of docs/operations.md, with the very commands that stand there, against a real hub and two real spokes.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chainStart, isTerminal, newNonce, signJws, SigningKey } from '#protocol';
import { Federation, refusal, type Player } from '../support/federation.js';
import { filledIn, follows, playbook, wordsOf, type Names, type Step } from '../support/playbook.js';
import { Tap } from '../support/tap.js';
import { until } from '../support/until.js';
import { soak } from '../support/soak.js';
import { writ } from '../support/writ.js';
import { writHere } from '../support/writ-here.js';

const pages = playbook('docs/operations.md', 'Emergencies');
const done = new Set<string>();
const tap = new Tap();
const work = 'echo ready; exec sleep 86426';
let stage: Federation;
let hub: Player;
let near: Player;
let far: Player;
let con: string;
let roots: Names;

beforeAll(async () => {
  stage = await Federation.open();
  const publicUrl = await tap.open();
  stage.afterwards(() => tap.close());
  [hub, near, far] = await Promise.all([stage.hub('hub', { publicUrl }), stage.spoke('near'), stage.spoke('far')]);
  tap.aim(hub.instance.url);
  con = await stage.pair(hub, near);
  await stage.pair(hub, far);
  const [atHub, atSpoke] = await Promise.all([hub.client.signing.show(), near.client.signing.show()]);
  roots = { HUB: 'hub', SPOKE: 'near', HUB_ROOT: atHub.id, SPOKE_ROOT: atSpoke.id };
}, 120_000);
afterAll(() => stage.close(), 60_000);

/** Types one line where the page says, and holds what comes to what the page says. */
async function typed(step: Step, names: Names): Promise<void> {
  const words = wordsOf(filledIn(step.line, names));
  const player = { hub, spoke: near, anywhere: undefined }[step.place];
  const where = player ? ['--on', step.place, '--state', player.instance.options.stateDir] : [];
  const argv = [...words.map(inDesk), ...where];
  const { code, out, err } = await (soak ? writ(argv) : writHere(argv));
  const printed = step.printed.map((part) => filledIn(part, names));
  const seen = follows(out + err, printed) ? printed : out + err;
  expect([step.line, code, seen]).toEqual([step.line, step.exit, printed]);
}

/** A file of the page lies where the person sits. */
const inDesk = (word: string) => (/\.jsonl?$/.test(word) ? join(stage.room('desk'), word) : word);

/** One emergency, block by block; each `run` types the next one. */
function emergency(title: string) {
  const blocks = pages.get(title)?.values();
  if (!blocks) throw new Error(`The page has no ${title}`);
  done.add(title);
  const next = (): readonly Step[] => blocks.next().value ?? [];
  return {
    run: async (names: Names = {}) => {
      const steps = next();
      expect(steps.length).toBeGreaterThan(0);
      for (const step of steps) await typed(step, { ...roots, ...names });
    },
    over: () => expect(next()).toEqual([]),
  };
}

async function runs(at: Player, spoke = 'near', taskId = 'story'): Promise<string> {
  const { agentId } = await stage.spawn(at, spoke, work, { taskId });
  await stage.running(at, agentId);
  stage.watch(spoke === 'near' ? near : far, 'sleep 86426');
  return agentId;
}

const alive = async () =>
  (await near.client.agents.list({ state: 'spawning,running' })).agents.map((one) => one.agentId);
const order = (taskId: string) =>
  refusal(hub.client.agents.spawn(stage.job('near', 'true', { taskId }), { waitS: 20 }));
/** Commands go through again, and nothing that was killed lives. */
const normal = async () => {
  await stage.connected(hub, near);
  expect((await stage.ended(hub, (await stage.spawn(hub, 'near', 'true')).agentId)).state).toBe('completed');
  expect(stage.survivors()).toEqual([]);
};

/** What a thief of `keys/` has: the key that signs. */
function stolen(player: Player): SigningKey {
  const file = join(player.instance.options.stateDir, 'keys', 'identity.json');
  const { keys } = JSON.parse(readFileSync(file, 'utf8')) as { keys: { secret: object; until?: number }[] };
  return SigningKey.fromJwk(keys.find(({ until }) => until === undefined)?.secret);
}
const nowS = () => Math.floor(Date.now() / 1_000);
const claimsOf = (text: string) =>
  JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
const from = (iss?: string, aud?: string) => ({ v: 1, iss, aud, jti: newNonce(), iat: nowS(), con });

/** A spawn as the thief of the hub's key puts it on the line of the spoke. */
function forgedSpawn(key: SigningKey, idk: string): string {
  const hello = tap.frames
    .filter(({ direction, text }) => direction === 'to-hub' && claimsOf(text).con === con)
    .findLast(({ text }) => 'sn' in claimsOf(text));
  const { context, options, agentType } = stage.job('near', work);
  const args = { taskId: 'theft', agentType, context, options };
  const claims = { ...from(roots.HUB_ROOT, roots.SPOKE_ROOT), exp: nowS() + 60, sn: claimsOf(hello?.text ?? '').sn };
  return signJws('writ-cmd+jws', { ...claims, cmds: [{ id: '1', op: 'agent.spawn', args, idk, gv: 0 }] }, key);
}

test('a wrong spawn went to the whole fleet', async () => {
  const { run, over } = emergency('A wrong spawn went to the whole fleet');
  const ids = await Promise.all([runs(hub, 'near', 'wrong'), runs(hub, 'far', 'wrong')]);
  const other = await runs(hub, 'far', 'right');
  const names = { TASK: 'wrong', ID: ids[0] };
  await run(names);
  expect((await hub.client.agents.get(other)).state).toBe('running');
  await run(names);
  const states = await Promise.all([...ids, other].map(async (id) => (await hub.client.agents.get(id)).state));
  expect(states).toEqual(['killed', 'killed', 'killed']);
  expect(await order('again')).toMatchObject({ code: 'latched' });
  await run(names);
  await run(names);
  await normal();
  over();
}, 180_000);

test('an agent runs amok', async () => {
  const { run, over } = emergency('An agent runs amok');
  const ID = await runs(hub);
  await run({ ID });
  await run({ ID });
  expect(await alive()).toEqual([]);
  expect(await order('again')).toMatchObject({ code: 'latched' });
  await run({ ID });
  await run({ ID });
  await normal();
  over();
}, 180_000);

test('the hub sends wrong orders', async () => {
  const { run, over } = emergency('The hub sends wrong orders');
  const ID = await runs(hub);
  const own = (await stage.spawn(near, undefined, work)).agentId;
  await stage.running(near, own);
  await run({ ID });
  await run({ ID });
  expect(await alive()).toEqual([own]);
  expect((await order('again')).code).toBe('connection_inactive');
  await near.client.agents.kill(own, 'seen to be still there');
  await run({ ID });
  await run({ ID });
  await normal();
  over();
}, 180_000);

test('[F-9] the key of a hub is stolen', async () => {
  const { run, over } = emergency('The key of a hub is stolen');
  const key = stolen(hub);
  tap.inject('to-spoke', forgedSpawn(key, 'theft-1'));
  const [ID] = await until('the thief to get an agent', async () => {
    const found = await alive();
    return found.length > 0 ? found : undefined;
  });
  await stage.running(near, ID!);
  const names = { ID, KEY: key.kid };
  await run(names);
  const known = (await hub.client.commands.list({})).commands.map(({ agentId }) => agentId);
  expect(known).not.toContain(ID);
  const [old, others] = await Promise.all([hub, near].map((player) => player.client.signing.show()));
  tap.mute('to-spoke');
  await run(names);
  expect(await alive()).toEqual([]);
  for (const { statement } of [old!, others!]) {
    const learning = near.client.signing.learn({ peer: 'hub', token: statement.token, reason: 'a trick' });
    expect(await refusal(learning)).toMatchObject({ code: 'key_invalid' });
  }
  await run(names);
  tap.unmute();
  await run(names);
  await normal();
  const closings = tap.closings.length;
  tap.inject('to-spoke', forgedSpawn(key, 'theft-2'));
  await until('the line with the thief on it to be cut', () =>
    tap.closings.slice(closings).some(({ code }) => code === 1008),
  );
  expect((await near.client.agents.list({ taskId: 'theft' })).agents.map(({ agentId }) => agentId)).toEqual([ID]);
  await normal();
  over();
}, 180_000);

test('the key of a spoke is stolen', async () => {
  const { run, over } = emergency('The key of a spoke is stolen');
  const key = stolen(near);
  const { journal } = await hub.client.spokes.get('near');
  const epo = journal!.epoch;
  const lie = () => {
    const place = { epo, seq: 1, prev: chainStart(con, epo) };
    return signJws('writ-evt+jws', { ...from(roots.SPOKE_ROOT, roots.HUB_ROOT), ...place, events: ['a lie'] }, key);
  };
  tap.inject('to-hub', lie());
  await until('the alarm', async () => (await hub.client.audit.alarms()).length > 0);
  await run();
  tap.mute('to-hub');
  await run({ KEY: key.kid });
  tap.unmute();
  await run();
  await run();
  await normal();
  const [closings, alarms] = [tap.closings.length, await hub.client.audit.alarms()];
  tap.inject('to-hub', lie());
  await until('the line with the liar on it to be cut', () => tap.closings.length > closings);
  expect((await hub.client.audit.alarms()).map(({ count }) => count)).toEqual(alarms.map(({ count }) => count));
  await normal();
  over();
}, 180_000);

test('a spoke is gone', async () => {
  const { run, over } = emergency('A spoke is gone');
  const ID = await runs(hub);
  await near.away('SIGKILL');
  await until('the hub to see it', async () => !(await hub.client.spokes.get('near')).connected);
  await run({ ID });
  await run({ ID });
  expect(await order('again')).toMatchObject({ code: 'latched' });
  await run({ ID });
  await near.back();
  await until('its end', async () => isTerminal((await hub.client.agents.get(ID)).state), 20_000);
  const [kill] = (await hub.client.commands.list({ spoke: 'near' })).commands.filter(({ op }) => op === 'agents.kill');
  await until(
    'the kill to arrive',
    async () => (await hub.client.commands.get(kill!.commandId)).state === 'delivered',
    60_000,
  );
  await run({ ID });
  await normal();
  over();
}, 180_000);

test('the hub is gone', async () => {
  const { run, over } = emergency('The hub is gone');
  const ID = await runs(hub);
  await hub.away('SIGKILL');
  await until('the spoke to see it', async () => !(await near.client.hubs.get('hub')).connected);
  await run({ ID });
  await run({ ID });
  expect(stage.survivors()).toEqual([]);
  await run({ ID });
  await run({ ID });
  expect((await near.client.hubs.get('hub')).state).toBe('closed');
  over();
}, 180_000);

test('[F-12] in all of this the hub has told a spoke nothing of another', async () => {
  const { id, name } = await far.client.instance();
  const { connectionId } = await far.client.hubs.get('hub');
  const agents = (await far.client.agents.list({})).agents.map(({ agentId }) => agentId);
  expect(agents.length).toBeGreaterThan(0);
  const told = tap.frames.filter(({ direction, text }) => direction === 'to-spoke' && claimsOf(text).con === con);
  expect(told.length).toBeGreaterThan(20);
  const words = [id, `"${name}"`, connectionId, ...agents];
  const all = told.map(({ text }) => JSON.stringify(claimsOf(text)));
  expect(all.filter((text) => words.some((word) => text.includes(word)))).toEqual([]);
});

test('every emergency of the page was gone through', () => {
  expect([...pages.keys()].sort()).toEqual([...done].sort());
  expect(pages.size).toBe(7);
});
