// The dashboard, the alerts and the example for Prometheus: what they ask for exists, and the alerts fire when they should.
import { afterAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry, collectDefaultMetrics } from 'prom-client';
import { peerMetrics, requestMetrics, standingMetrics, webhookMetrics, type MetricDefinition } from '#api';
import { hubMetrics } from '../../apps/hub/src/metrics/metrics.js';
import { spokeMetrics } from '../../apps/spoke/src/metrics/metrics.js';
import { root } from '../support/instance.js';
import { requirement } from '../support/require.js';
import { alertCases, type AlertCase } from './alerts.cases.js';
import { askedBy } from './queries.js';

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { name: string; query: string | { query: string } }[] };
}

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const rules = read('deploy/prometheus/alerts.yml');
const dashboard = JSON.parse(read('deploy/grafana/writ.json')) as Dashboard;
const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found);
const alerts = matches(rules, /^ +- alert: (\S+)$/gm);
const runbooks = matches(rules, /^ +runbook: (\S+)$/gm);
const ruleQueries = matches(rules, /^ +expr: (.+)$/gm);
const panelQueries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** By name, as they stand in a scrape, with their labels. */
function knownMetrics(): ReadonlyMap<string, readonly string[]> {
  const ours: MetricDefinition[] = [
    requestMetrics,
    standingMetrics,
    peerMetrics,
    webhookMetrics,
    hubMetrics,
    spokeMetrics,
  ].flatMap((some: Readonly<Record<string, MetricDefinition>>) => Object.values(some));
  const named = ours.flatMap(({ name, kind, labels }): [string, readonly string[]][] =>
    kind === 'histogram'
      ? [
          [`${name}_bucket`, [...labels, 'le']],
          [`${name}_sum`, labels],
          [`${name}_count`, labels],
        ]
      : [[name, labels]],
  );
  const register = new Registry();
  collectDefaultMetrics({ register });
  const standard = register.getMetricsAsArray().map(({ name }): [string, string[]] => [name, []]);
  return new Map([...standard, ...named, ['up', []]]);
}

const known = knownMetrics();
const scraped = ['job', 'instance'];

function unknownIn(query: string): string[] {
  const { metrics, labels } = askedBy(query);
  const all = new Set(metrics.flatMap((metric) => known.get(metric) ?? []));
  const strange = labels.filter(({ metric, label }) => {
    const allowed = metric === undefined ? [...all] : (known.get(metric) ?? []);
    return ![...scraped, ...allowed].includes(label);
  });
  return [...metrics.filter((metric) => !known.has(metric)), ...strange.map(({ label }) => label)];
}

describe('what is asked for exists', () => {
  test.each([...ruleQueries, ...panelQueries])('%s', (query) => {
    expect(askedBy(query).metrics).not.toEqual([]);
    expect(unknownIn(query)).toEqual([]);
  });

  test('and the look itself sees what does not', () => {
    expect(unknownIn('sum by (hub, nobody) (rate(writ_refusals_totl{door="rest",cod=~"x"}[5m])) > 1')).toEqual([
      'writ_refusals_totl',
      'hub',
      'nobody',
      'door',
      'cod',
    ]);
    expect(unknownIn('writ_agents_live{hub="x"} unless on (peer) writ_peer_connected == 0')).toEqual(['hub']);
  });

  test('in the variables of the dashboard, and each variable that is used is one', () => {
    const asked = dashboard.templating.list.map(({ query }) => (typeof query === 'string' ? query : query.query));
    const values = asked.flatMap((query) => [...query.matchAll(/^label_values\((.+), (\w+)\)$/g)]);
    expect(values).toHaveLength(2);
    for (const [, selector = '', label = ''] of values)
      expect(unknownIn(`sum by (${label}) (${selector})`)).toEqual([]);
    const names = new Set([...dashboard.templating.list.map(({ name }) => name), '__rate_interval']);
    const used = matches(JSON.stringify(dashboard), /\$\{?(\w+)/g);
    expect(used.filter((name) => !names.has(name))).toEqual([]);
  });

  test('and every figure of ours is on the dashboard or in an alert', () => {
    const asked = new Set([...ruleQueries, ...panelQueries].flatMap((query) => askedBy(query).metrics));
    const ours = [...known.keys()].filter((name) => name.startsWith('writ_') && !/_(sum|count)$/.test(name));
    const left = ['writ_draining', 'writ_pool_created_total'];
    expect(ours.filter((name) => !asked.has(name) && !left.includes(name))).toEqual([]);
  });
});

describe('the alerts', () => {
  test('each has its expression on a line, its severity, a summary, a case of its own, and a runbook that exists', () => {
    const severities = matches(rules, /^ +labels: \{ severity: (critical|warning) \}$/gm);
    const summaries = matches(rules, /^ +summary: '(.+)'$/gm);
    expect(alerts.length).toBeGreaterThan(10);
    for (const each of [ruleQueries, severities, summaries, runbooks]) expect(each).toHaveLength(alerts.length);
    expect(alertCases.map(({ alert }) => alert).sort()).toEqual([...alerts].sort());
    const headings = matches(read('docs/operations.md'), /^#+ (.+)$/gm).map(
      (heading) =>
        `docs/operations.md#${heading
          .toLowerCase()
          .replace(/[^\w\s-]/g, '')
          .replaceAll(' ', '-')}`,
    );
    expect(runbooks.filter((runbook) => !headings.includes(runbook))).toEqual([]);
  });
});

const folder = mkdtempSync(join(tmpdir(), 'writ-monitoring-'));
afterAll(() => rmSync(folder, { recursive: true }));

function promtool(...args: string[]) {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', cwd: folder });
  return { status, said: `${stdout}${stderr}` };
}

const withPromtool = requirement(
  'promtool',
  spawnSync('promtool', ['--version']).status === 0,
  'it is in the package `prometheus` of Debian; .ci/run shows how to have it without the service',
);

function ruleTest({ series, alert, atMin, labels = {}, severity, summary }: AlertCase) {
  const input = Object.entries(series).flatMap(([name, of]) =>
    (['good', 'bad'] as const).map((instance) => ({
      series: name.replace('INSTANCE', instance),
      values: of[instance],
    })),
  );
  const firing = {
    exp_labels: { job: 'writ', instance: 'bad', severity, ...labels },
    exp_annotations: { summary, runbook: runbooks[alerts.indexOf(alert)] },
  };
  const once = { eval_time: `${atMin}m`, alertname: alert, exp_alerts: [firing] };
  const before = { eval_time: '0m', alertname: alert, exp_alerts: [] };
  return { interval: '1m', input_series: input, alert_rule_test: atMin > 0 ? [before, once] : [once] };
}

describe('promtool', () => {
  withPromtool('takes the example with its rules', () => {
    cpSync(join(root, 'deploy/prometheus'), folder, { recursive: true });
    for (const name of ['writ-hub.key', 'writ-spoke.key']) writeFileSync(join(folder, name), 'key');
    expect(promtool('check', 'config', '--lint-fatal', 'prometheus.yml')).toMatchObject({ status: 0 });
    expect(promtool('check', 'rules', '--lint-fatal', 'alerts.yml')).toMatchObject({ status: 0 });
  });

  withPromtool('understands every query of the dashboard', () => {
    const plain = panelQueries.map((query) => query.replaceAll('$__rate_interval', '5m'));
    const groups = [{ name: 'panels', rules: plain.map((expr, n) => ({ record: `panel_${n}`, expr })) }];
    writeFileSync(join(folder, 'panels.yml'), JSON.stringify({ groups }));
    expect(promtool('check', 'rules', 'panels.yml')).toMatchObject({ status: 0 });
  });

  withPromtool('sees each alert fire where it should, not before, and not where all is well', () => {
    cpSync(join(root, 'deploy/prometheus/alerts.yml'), join(folder, 'alerts.yml'));
    const tests = { rule_files: ['alerts.yml'], evaluation_interval: '1m', tests: alertCases.map(ruleTest) };
    writeFileSync(join(folder, 'alerts.test.yml'), JSON.stringify(tests));
    const { status, said } = promtool('test', 'rules', 'alerts.test.yml');
    expect([status, status === 0 ? '' : said]).toEqual([0, '']);
  });
});
