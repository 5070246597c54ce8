// The figures of a hub and a spoke as Prometheus reads them, the warm pool as its admin sees it while a session is at work, and the
// spans of both as a collector gets them.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peerMetrics, requestMetrics, standingMetrics, webhookMetrics, type MetricDefinition } from '#api';
import type { PoolResource } from '#protocol';
import { hubMetrics } from '../../apps/hub/src/metrics/metrics.js';
import { spokeMetrics } from '../../apps/spoke/src/metrics/metrics.js';
import { Collector } from '../support/collector.js';
import { Federation, type Player, refusal } from '../support/federation.js';
import { UnderstudyProcess } from '../support/understudy.js';
import { until } from '../support/until.js';
import { writ } from '../support/writ.js';

let stage: Federation;
let hub: Player;
let spoke: Player;
let collector: Collector;

const answer = (summary: string) => {
  const items = [{ item: 0, status: 'done', note: '' }];
  return { calls: [{ tool: 'submit_result', input: { summary, items } }] };
};
const look = { calls: [{ tool: 'bash', input: { command: 'echo seen-by-nobody' } }] };
const turns = [look, answer('first'), answer('second'), answer('third')];

beforeAll(async () => {
  stage = await Federation.open();
  const script = join(stage.folder, 'script.json');
  writeFileSync(script, JSON.stringify({ conversations: [{ name: 'session', turns }] }));
  const understudy = await UnderstudyProcess.start(script);
  stage.afterwards(() => understudy.stop());
  const defaultPrice = { input: 1_000, output: 1_000, cacheRead: 1_000, cacheWrite: 1_000 };
  const shell = { kind: 'command', argv: ['sleep', '300'] };
  const claude = { kind: 'claude', baseUrl: understudy.url, defaultPrice };
  const key = { ANTHROPIC_API_KEY: 'sk-nobody' };
  collector = await Collector.open();
  stage.afterwards(() => collector.close());
  const tracing = { url: collector.url, authorizationEnv: 'COLLECTOR_KEY' };
  const own = { tracing, runtimes: { claude, shell }, budget: { moneyMicroUsdPerDayMax: 7_000_000 } };
  const shown = { COLLECTOR_KEY: 'Bearer of-the-collector' };
  [hub, spoke] = await Promise.all([
    stage.hub('hub', { tracing }, shown),
    stage.spoke('acme', own, { ...key, ...shown }),
  ]);
  await stage.pair(hub, spoke, stage.grant({ perDay: { moneyMicroUsd: 2_500_000 } }));
}, 120_000);
afterAll(() => stage.close(), 60_000);

type Series = ReadonlyMap<string, number>;

async function scrape(player: Player): Promise<{ text: string; series: Series }> {
  const { text } = await player.call('GET', '/metrics');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const at = (line: string) => line.lastIndexOf(' ');
  return { text, series: new Map(lines.map((line) => [line.slice(0, at(line)), Number(line.slice(at(line)))])) };
}

async function figures(player: Player, ...names: string[]): Promise<(number | undefined)[]> {
  const { series } = await scrape(player);
  return names.map((name) => series.get(name));
}

function sum(series: Series, start: string): number {
  return [...series].filter(([name]) => name.startsWith(start)).reduce((total, [, value]) => total + value, 0);
}

async function turnEnds(agentId: string, turn: number): Promise<void> {
  await until(
    `turn ${turn} has ended`,
    async () => (await hub.client.agents.get(agentId)).turns?.last?.turn === turn,
    60_000,
  );
}

const warm = 'writ_pool_handed_total{how="warm"}';
const cold = 'writ_pool_handed_total{how="cold"}';
const idle = 'writ_pool_backends{state="idle"}';

describe('a scrape', () => {
  test('has each figure that the documents list, and no other of ours', async () => {
    const ours = async (player: Player) => {
      const { text } = await scrape(player);
      return [...text.matchAll(/^# TYPE (writ_\S+) (\S+)$/gm)].map(([, name, kind]) => `${name} ${kind}`).sort();
    };
    const listed = (...all: Readonly<Record<string, MetricDefinition>>[]) =>
      all.flatMap((some) => Object.values(some).map(({ name, kind }) => `${name} ${kind}`)).sort();
    expect(await ours(hub)).toEqual(listed(requestMetrics, standingMetrics, peerMetrics, webhookMetrics, hubMetrics));
    expect(await ours(spoke)).toEqual(
      listed(requestMetrics, standingMetrics, peerMetrics, webhookMetrics, spokeMetrics),
    );
  });

  test('shows the peers of both sides, heard, with a round trip and nothing left behind', async () => {
    await hub.call('GET', '/v1/agents?spoke=acme');
    await refusal(hub.client.agents.get('11111111-1111-4111-8111-111111111111'));
    for (const [player, name] of [
      [hub, 'acme'],
      [spoke, 'hub'],
    ] as const) {
      const { connectionId } = await hub.client.spokes.get('acme');
      const of = `{peer="${name}",connection="${connectionId}"}`;
      const seen = await until(`${player.name} has measured ${name}`, async () => {
        const { series } = await scrape(player);
        return (
          series.get(`writ_journal_lag_events${of}`) === 0 &&
          (player === hub || series.has(`writ_peer_round_trip_seconds${of}`)) &&
          series
        );
      });
      if (typeof seen !== 'object') throw new Error('no series');
      expect(seen.get(`writ_peer_connected${of}`)).toBe(1);
      expect(seen.get(`writ_peer_silence_seconds${of}`)).toBeLessThan(45);
      expect(seen.get(`writ_peer_requests_waiting${of}`)).toBe(0);
    }
  });
});

test('[P-4] the pool: cold, then warm, seen by REST and `writ pool`, gone with its session; and what was spent', async () => {
  expect(await figures(spoke, 'writ_pool_places', cold, warm, idle)).toEqual([10, 0, 0, 0]);
  expect((await spoke.call('GET', '/v1/pool')).json()).toEqual({ ...empty, warm: [] });
  const options = { runtime: 'claude', session: 'figures' };
  const { agentId } = await stage.spawn(hub, 'acme', 'Say something.', { options });
  await turnEnds(agentId, 1);
  await until('it is idle', async () => (await figures(spoke, idle))[0] === 1);
  expect(await figures(spoke, cold, warm, 'writ_pool_created_total')).toEqual([1, 0, 1]);
  await hub.client.agents.send(agentId, 'And then?', { waitS: 30 });
  await turnEnds(agentId, 2);
  await until('it is idle again', async () => (await figures(spoke, idle))[0] === 1);
  expect(await figures(spoke, cold, warm, 'writ_agents_live{state="running"}')).toEqual([1, 1, 1]);
  expect(await figures(hub, 'writ_agents_live{state="running"}')).toEqual([1]);
  const { connectionId: owner } = await hub.client.spokes.get('acme');
  const pool = (await spoke.call('GET', '/v1/pool')).json() as PoolResource;
  const one = { agentId, owner, session: 'figures', state: 'idle', attempts: 0 };
  expect(pool).toEqual({ ...empty, opened: 1, reused: 1, warm: [{ ...one, idleMs: expect.any(Number) }] });
  const shown = await writ(['pool', '--url', spoke.instance.url], { env: { WRIT_API_KEY: spoke.instance.key } });
  expect([shown.code, shown.out]).toEqual([0, expect.stringMatching(new RegExp(`${agentId}\\s+figures\\s+idle`))]);
  const { series } = await scrape(spoke);
  expect(series.get('writ_spent_today_tokens{hub="hub"}')).toBeGreaterThan(0);
  expect(series.get('writ_spent_today_usd{hub="hub"}')).toBeGreaterThan(0);
  await hub.client.agents.close(agentId, { force: true }, 30);
  await stage.ended(hub, agentId);
  await until('the pool is empty', async () => (await figures(spoke, idle))[0] === 0);
  const after = await writ(['pool', '--url', spoke.instance.url], { env: { WRIT_API_KEY: spoke.instance.key } });
  expect([after.code, after.out]).toEqual([0, '']);
}, 120_000);

test('a kill and its clean-up, and what a grant refuses, are counted', async () => {
  const [before, ofHub] = [(await scrape(spoke)).series, (await scrape(hub)).series];
  expect(ofHub.get(delivered)).toBe(0);
  const { agentId } = await stage.spawn(hub, 'acme', 'sleep');
  await until('it runs', async () => (await hub.client.agents.get(agentId)).state === 'running', 20_000);
  await hub.client.agents.kill(agentId, 'enough', 30);
  await stage.ended(hub, agentId);
  const refused = await refusal(stage.spawn(hub, 'acme', 'x', { options: { runtime: 'unknown' } }));
  const { series } = await scrape(spoke);
  const grown = (start: string) => sum(series, start) - sum(before, start);
  expect(grown('writ_kill_seconds_count{scope="agent"')).toBe(1);
  expect(grown('writ_cleanup_steps_total{step="sandbox",outcome="done"')).toBe(1);
  expect(grown('writ_cleanup_steps_total{step="worktree",outcome="done"')).toBe(1);
  expect(grown('writ_cleanup_steps_total')).toBe(2);
  expect(refused.code).not.toBe('ok');
  expect(await figures(hub, delivered, 'writ_commands_open{op="agent.kill"}')).toEqual([1, undefined]);
  expect(grown(`writ_refusals_total{door="command",code="${refused.code}"}`)).toBe(1);
  expect((await scrape(hub)).series.get(`writ_refusals_total{door="rest",code="${refused.code}"}`)).toBe(1);
}, 120_000);

const delivered = 'writ_command_seconds_count{op="agent.kill",outcome="delivered"}';

test('a spawn is one trace: from the request over the signed command to the model and the tools', async () => {
  const names = ['make worktree', 'launch in sandbox', 'chat claude-opus-5-5', 'execute_tool bash'];
  const bySdk = 'writ-spoke: anthropic.';
  const ofRun = (name: string) => collector.spans.find((span) => span.name === name);
  await until(
    'both have sent their spans',
    () => [...names, 'invoke_agent worker', 'POST /v1/agents'].every(ofRun),
    60_000,
  );
  const run = ['writ-spoke: invoke_agent worker', 'writ-spoke: serve agent.spawn', 'writ-hub: send agent.spawn'];
  for (const name of names) {
    const span = ofRun(name);
    const way = span && collector.lineage(span).filter((one) => !one.startsWith(bySdk));
    expect(way).toEqual([`writ-spoke: ${name}`, ...run, 'writ-hub: POST /v1/agents']);
  }
  const paid = ofRun('chat claude-opus-5-5')?.attributes ?? {};
  expect(Number(paid['gen_ai.usage.input_tokens'])).toBeGreaterThan(0);
  expect(ofRun('invoke_agent worker')?.attributes).toMatchObject({
    'writ.agent.state': 'completed',
    'writ.exit_reason': 'closed',
  });
  for (const { authorization, body } of collector.got) {
    expect(authorization).toBe('Bearer of-the-collector');
    expect(body).not.toMatch(/Say something|seen-by-nobody|sk-nobody|writ_/);
  }
}, 120_000);

test('a caller’s own trace goes on here, and a refusal ends its span with the code', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const body = stage.job('acme', 'x', { options: { runtime: 'unknown' } });
  const answer = await hub.call('POST', '/v1/agents', body, { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
  const { code } = answer.json() as { code: string };
  const ours = () => collector.spans.filter((span) => span.traceId === traceId);
  const served = () => ours().find(({ name }) => name === 'serve agent.spawn');
  await until('both have sent their spans', () => served() !== undefined && ours().length === 3, 20_000);
  const root = ours().find(({ name }) => name === 'POST /v1/agents');
  expect(root).toMatchObject({
    parentSpanId: '00f067aa0ba902b7',
    attributes: { 'writ.request.id': expect.any(String) },
  });
  expect(served()?.attributes).toMatchObject({ 'writ.op': 'agent.spawn', 'writ.outcome': code });
}, 120_000);

test('how both stand: who they are, their statements, what is set, what waits, and what may be spent', async () => {
  const { connectionId } = await hub.client.spokes.get('acme');
  for (const [player, role, peer] of [
    [hub, 'hub', 'acme'],
    [spoke, 'spoke', 'hub'],
  ] as const) {
    const { series } = await scrape(player);
    expect(sum(series, `writ_instance_info{role="${role}"`)).toBe(1);
    expect(sum(series, 'writ_killswitch_set')).toBe(0);
    const theirs = `writ_peer_key_statement_left_seconds{peer="${peer}",connection="${connectionId}"}`;
    for (const left of ['writ_key_statement_left_seconds', theirs]) {
      expect([left, series.get(left)]).toEqual([left, expect.closeTo(7 * 86_400, -4)]);
    }
  }
  const limits = ['writ_spend_limit_usd{hub="hub"}', 'writ_budget_usd', 'writ_agent_places'];
  expect(await figures(spoke, ...limits)).toEqual([2.5, 7, 50]);
  expect(await figures(spoke, 'writ_question_oldest_seconds', 'writ_disk_bytes')).toEqual([0, undefined]);
  const { diskBytes } = (await spoke.call('POST', '/v1/gc', {})).json() as { diskBytes: number };
  expect(diskBytes).toBeGreaterThan(0);
  const stopped = { scope: 'all', reason: 'to see it' };
  await spoke.call('POST', '/v1/kill', stopped);
  await hub.call('POST', '/v1/kill', { ...stopped, scope: 'spoke:acme' });
  await spoke.call('POST', '/v1/drain', { reason: 'to see it' });
  expect((await figures(spoke, 'writ_disk_bytes'))[0]).toBeGreaterThan(0);
  expect(await figures(spoke, 'writ_killswitch_set{scope="all"}', 'writ_draining')).toEqual([1, 1]);
  expect(await figures(hub, 'writ_killswitch_set{scope="spoke:acme"}')).toEqual([1]);
}, 120_000);

const empty = { max: 10, waiting: 0, opened: 0, reused: 0, evicted: 0 };
