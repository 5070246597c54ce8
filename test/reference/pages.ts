// The reference pages of docs/reference, made of what they describe: schemas, error codes, commander's help, OpenAPI.
import type { Command } from 'commander';
import { buildProgram } from '../../apps/cli/src/program.js';
import { exitCodesHelp } from '../../apps/cli/src/exit.js';
import { noProgress } from '../../apps/cli/src/progress/progress.js';
import { hubMetrics } from '../../apps/hub/src/metrics/metrics.js';
import { spokeMetrics } from '../../apps/spoke/src/metrics/metrics.js';
import { peerMetrics, requestMetrics, standingMetrics, webhookMetrics, type MetricDefinition } from '#api';
import { describeError, errorCodes } from '#protocol';
import { settings } from './settings.js';
import { row, table, type Row } from './table.js';

const note = 'Made by `node tools/reference.mjs`; a test fails when it is not up to date.';
const page = (title: string, ...parts: string[]) => [`# ${title}`, note, ...parts].join('\n\n') + '\n';

/** What this needs of an OpenAPI document. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly summary?: string;
  readonly security?: readonly { readonly key?: readonly string[] }[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

function configPage(): string {
  const { hub, spoke, runtimes } = settings();
  const head = ['setting', 'environment', 'kind or range', 'default', 'what'];
  return page(
    'Settings',
    'Lists and objects are JSON in the environment. `Ms` is milliseconds, `S` seconds, `Bytes` bytes, `MicroUsd` millionths of a US dollar. `adminKey` is the key of a first start; `ANTHROPIC_API_KEY` is read by a spoke and is no setting. Flags win: `--port`, `--host`, `--name`, `--state`, `--config`.',
    '## Hub',
    table(head, hub),
    '## Spoke',
    table(head, spoke),
    '## Runtimes of a spoke',
    'Each under a name of its own in `runtimes`; a grant and a request name it.',
    table(['kind', 'setting', 'kind or range', 'default', 'what'], runtimes),
  );
}

function errorsPage(): string {
  const rows = errorCodes.map((code) => {
    const { status, title, next } = describeError(code);
    return row(`\`${code}\``, String(status), title, next);
  });
  return page(
    'Error codes',
    'A closed list, the same in REST, on the wire and on the command line.',
    table(['code', 'HTTP', 'what it means', 'what to do'], rows),
  );
}

function silentProgram(): Command {
  const nothing = () => undefined;
  const world = {
    env: {},
    home: '/',
    tty: false,
    interactive: false,
    out: nothing,
    err: nothing,
    progress: noProgress,
  };
  return buildProgram({ ...world, signal: new AbortController().signal, exitCode: 0 }, '');
}

function commandBlock(command: Command, above: string): string[] {
  const path = `${above} ${command.name()}`.trim();
  const help = command.createHelp();
  const visible = command.options.filter(({ long }) => long !== '--version');
  const options = visible.map((option) => row(`\`${option.flags}\``, help.optionDescription(option)));
  const usage = command.registeredArguments.map((argument) =>
    argument.required ? argument.name() : `[${argument.name()}]`,
  );
  const block = [
    `## ${[path, ...usage.map((word) => word.toUpperCase())].join(' ')}`,
    command.description(),
    ...(options.length > 0 ? [table(['option', 'what'], options)] : []),
  ];
  const below = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  return [...block, ...below.flatMap((one) => commandBlock(one, path))];
}

function cliPage(): string {
  return page(
    'Commands of `writ`',
    ...commandBlock(silentProgram(), ''),
    '## Exit codes',
    `\`\`\`${exitCodesHelp}\n\`\`\``,
  );
}

function restRows(document: ApiDocument, instance: string): [string, Row][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Row] => {
      const { summary = '', security, parameters = [], responses } = operation;
      const role = path.startsWith('/v1/') || path === '/metrics' ? (security?.[0]?.key?.[0] ?? 'viewer') : 'none';
      const asked = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => `\`${name}\``);
      const statuses = Object.keys(responses).filter((status) => status !== 'default');
      const call = `\`${method.toUpperCase()} ${path}\``;
      const cells = row(call, role, asked.join(', '), statuses.join(', '), summary);
      return [`${cells.join()}${instance}`, cells];
    }),
  );
}

function restPage(hub: ApiDocument, spoke: ApiDocument): string {
  const head = ['call', 'least role', 'query', 'answers', 'what'];
  const [ofHub, ofSpoke] = [restRows(hub, ''), restRows(spoke, '')];
  const both = new Set(ofHub.map(([key]) => key).filter((key) => ofSpoke.some(([other]) => other === key)));
  const only = (rows: [string, Row][]) => rows.filter(([key]) => !both.has(key)).map(([, cells]) => cells);
  return page(
    'REST',
    'Bodies and answers in full: `/openapi.json` of a running instance, readable at `/docs`. A fault is an RFC 9457 problem with a [code](errors.md). `/healthz`, `/readyz`, `/openapi.json` and `/docs` want no key.',
    '## Hub and spoke',
    table(
      head,
      ofHub.filter(([key]) => both.has(key)).map(([, cells]) => cells),
    ),
    '## Hub only',
    table(head, only(ofHub)),
    '## Spoke only',
    table(head, only(ofSpoke)),
  );
}

function metricRows(instance: string, definitions: Readonly<Record<string, MetricDefinition>>): Row[] {
  return Object.values(definitions).map(({ name, kind, labels, help }) =>
    row(`\`${name}\``, instance, kind, labels.map((label) => `\`${label}\``).join(', '), help),
  );
}

function metricsPage(): string {
  const head = ['figure', 'of', 'kind', 'labels', 'what'];
  const both = { ...standingMetrics, ...requestMetrics, ...peerMetrics, ...webhookMetrics };
  return page(
    'Metrics',
    '`GET /metrics` in the text format of Prometheus, for the key of a viewer (`Authorization: Bearer …`), or without a key on `metricsPort` of loopback. Counters begin at 0 with each start. `process_…` and `nodejs_…` are Node’s own: memory, processor, event loop, garbage collection.',
    table(head, [
      ...metricRows('hub, spoke', both),
      ...metricRows('hub', hubMetrics),
      ...metricRows('spoke', spokeMetrics),
    ]),
  );
}

/** Every page by its file name. */
export function referencePages(hub: ApiDocument, spoke: ApiDocument): Readonly<Record<string, string>> {
  return {
    'config.md': configPage(),
    'cli.md': cliPage(),
    'errors.md': errorsPage(),
    'rest.md': restPage(hub, spoke),
    'metrics.md': metricsPage(),
  };
}
