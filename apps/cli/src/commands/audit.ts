// `writ audit` and `writ alarms`: what two instances said to each other, to take along and to verify where there is no network.
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { auditLineMax, surveyAudit, thumbprint, verifyAudit, WritError } from '#protocol';
import type { AlarmResource, AuditFinding, AuditReport, AuditRowsPage, AuditSource, ReceiptKind } from '#protocol';
import { Desk, several } from '../desk.js';
import type { Column } from '../printer.js';
import { amount } from '../progress/words.js';
import type { World } from '../world.js';
import { told } from './waiting.js';

async function exportTo(desk: Desk, peer: string, file: string): Promise<void> {
  const target = resolve(file);
  if (existsSync(target)) throw new WritError('invalid_request', `${target} exists already.`, { field: 'file' });
  await desk.with('either', async ({ audit }) => {
    const show = (bytes: number) => desk.wait(`Writing ${amount(bytes)}`);
    const lines = Readable.from(told(await audit.export(peer, desk.world.signal), show));
    await pipeline(lines, createWriteStream(target, { flags: 'wx', mode: 0o600 }));
  });
  desk.print.one({ file: target }, [['audit log', target]]);
  desk.print.say('It holds what was asked and answered, in clear: keep it as you keep the work itself.');
}

/** Line by line, none longer than a log has: a file that is none must not fill the memory. */
function linesOf(desk: Desk, file: string): AuditSource {
  return async function* () {
    let rest = '';
    const chunks = createReadStream(resolve(file), { encoding: 'utf8' }) as AsyncIterable<string>;
    for await (const chunk of told(chunks, (read) => desk.wait(`Verifying ${file}: ${amount(read)}`))) {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      yield* parts;
      if (rest.length > auditLineMax)
        throw new WritError('invalid_request', `${file} is no audit log: a line has no end.`);
    }
    if (rest !== '') yield rest;
  };
}

interface VerifyFlags {
  readonly hub: string;
  readonly spoke: string;
}

async function verify(desk: Desk, [file, other]: readonly string[], { hub, spoke }: VerifyFlags): Promise<void> {
  for (const [name, value] of Object.entries({ hub, spoke })) {
    const parsed = thumbprint.safeParse(value);
    if (!parsed.success)
      throw new WritError('invalid_request', `--${name}: ${parsed.error.issues[0]?.message}`, { field: `--${name}` });
  }
  const [source, against] = [linesOf(desk, file ?? ''), other === undefined ? undefined : linesOf(desk, other)];
  const surveys = [await surveyAudit(source), against && (await surveyAudit(against))] as const;
  const reports = [await verifyAudit(source, surveys[0], { hub, spoke, witness: surveys[1] })];
  if (against && surveys[1]) reports.push(await verifyAudit(against, surveys[1], { hub, spoke, witness: surveys[0] }));
  show(desk, reports);
  if (reports.some(({ ok }) => !ok)) desk.failed();
}

const columns: Column<AuditFinding>[] = [
  { title: 'LINE', value: ({ line }) => line },
  { title: 'ROW', value: ({ row }) => row },
  { title: 'FAULT', value: ({ fault }) => fault },
  { title: 'WHAT', value: ({ detail }) => detail, whole: true },
];

function show(desk: Desk, reports: readonly AuditReport[]): void {
  if (desk.print.form === 'json') {
    desk.print.json(reports.length === 1 ? reports[0] : reports);
    return;
  }
  for (const report of reports) showOne(desk, report);
}

function showOne(desk: Desk, report: AuditReport): void {
  const { ok, by, con, rows, from, through, checkpoints, countersignedThrough, unproven, later, findings, more } =
    report;
  desk.print.one(report, [
    ['verdict', ok ? 'holds' : 'does not hold'],
    ['log of', `the ${by}, connection ${con}`],
    ['rows', rows === 0 ? 'none' : `${rows}, ${from} to ${through}`],
    ['checkpoints', checkpoints],
    ['both vouch for', countersignedThrough === 0 ? 'nothing yet' : `rows to ${countersignedThrough}`],
    [
      'of an earlier moment',
      later && `the other file knows of rows to ${later.n}, signed ${new Date(later.at * 1_000).toISOString()}`,
    ],
    ['under keys revoked later', unproven === 0 ? undefined : `${unproven} rows that no checkpoint from before covers`],
  ]);
  if (findings.length > 0) desk.print.list(findings, columns, '');
  if (more > 0) desk.print.say(`… and ${more} more.`);
  for (const { line, evidence } of findings) {
    for (const token of evidence ?? []) desk.world.out(`evidence, line ${line}: ${token}\n`);
  }
}

type Row = AuditRowsPage['rows'][number];

const rowColumns: Column<Row>[] = [
  { title: 'ROW', value: ({ n }) => n },
  { title: 'AT', value: ({ at }) => at },
  { title: 'KIND', value: ({ kind }) => kind },
  { title: 'BYTES', value: ({ raw }) => Buffer.byteLength(raw) },
  { title: 'HASH', value: ({ h }) => h, whole: true },
];

interface RowsFlags {
  readonly kind?: ReceiptKind[];
  readonly before?: string;
  readonly limit: string;
}

async function rows(desk: Desk, peer: string, { kind, before, limit }: RowsFlags): Promise<void> {
  await desk.with('either', async ({ audit }) => {
    const page = await audit.rows({ peer, kind, before, limit });
    if (desk.print.form === 'json') desk.print.json(page);
    else desk.print.list(page.rows, rowColumns, 'No such rows.');
    if (desk.print.form !== 'json' && page.next !== undefined)
      desk.print.say(`There may be more: --before ${page.next}`);
  });
}

async function check(desk: Desk, peer: string): Promise<void> {
  await desk.with('either', async ({ audit }) => {
    const report = await audit.verification(peer);
    show(desk, [report]);
    if (!report.ok) desk.failed();
  });
}

const alarmColumns: Column<AlarmResource>[] = [
  { title: 'ALARM', value: ({ id }) => id, whole: true },
  { title: 'KIND', value: ({ kind }) => kind },
  { title: 'TIMES', value: ({ count }) => count },
  { title: 'LAST', value: ({ lastAt }) => lastAt },
  { title: 'WHAT', value: ({ detail }) => detail, whole: true },
];

async function alarms(desk: Desk, id: string | undefined, clear: boolean): Promise<void> {
  await desk.with('either', async ({ audit }) => {
    if (id === undefined) desk.print.list(await audit.alarms(), alarmColumns, 'No alarms.');
    else if (clear) await audit.clear(id);
    else {
      const proof = await audit.proof(id);
      desk.print.one(proof, [
        ...Object.entries(proof.alarm),
        ...proof.evidence.map((token) => ['evidence', token] as const),
      ]);
    }
  });
}

const examples = `
Verifying reads nothing but the files and asks nobody. With the other side's export as a second file, what either signed
is also held against the other. Files of different moments are compared as far as both go.

Examples:
  writ audit export spoke-1 hub.jsonl
  writ audit verify hub.jsonl --hub THUMBPRINT --spoke THUMBPRINT
  writ audit verify hub.jsonl spoke.jsonl --hub THUMBPRINT --spoke THUMBPRINT

Exit codes: 0 it holds; 1 it does not, and every fault is listed; 2 not such a file; 3 of other instances.`;

export function addAudit(program: Command, world: World): void {
  const audit = program
    .command('audit')
    .description('What this instance and a peer said to each other, exactly')
    .addHelpText('after', examples);
  audit
    .command('export <peer> <file>')
    .description('Write the audit log of the connection with a peer to a file (admin)')
    .action((peer: string, file: string, _flags, command: Command) => exportTo(new Desk(world, command), peer, file));
  audit
    .command('verify <files...>')
    .description('Verify an exported log, or the logs of both sides, offline')
    .requiredOption('--hub <thumbprint>', 'of the root of the hub, as compared at pairing')
    .requiredOption('--spoke <thumbprint>', 'of the root of the spoke')
    .action((files: string[], flags: VerifyFlags, command: Command) => verify(new Desk(world, command), files, flags));
  audit
    .command('rows <peer>')
    .description('Rows of the audit log with a peer, the newest first; with -o json their exact messages (admin)')
    .option('--kind <kind>', 'only of that kind: command, result, event, ... (repeatable)', several)
    .option('--before <row>', 'only rows before that one')
    .option('--limit <n>', 'how many at most, 1 to 200', '50')
    .action((peer: string, flags: RowsFlags, command: Command) => rows(new Desk(world, command), peer, flags));
  audit
    .command('check <peer>')
    .description('Have the instance verify its own log with a peer; who does not trust it exports and verifies (admin)')
    .action((peer: string, _flags, command: Command) => check(new Desk(world, command), peer));
  program
    .command('alarms [alarm]')
    .description('What an honest peer never does; one of them with its proof (admin)')
    .option('--clear', 'somebody has seen to it (admin)')
    .action((id: string | undefined, { clear = false }: { clear?: boolean }, command: Command) => {
      return alarms(new Desk(world, command), id, clear);
    });
}
