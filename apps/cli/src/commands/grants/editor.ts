// A grant in the person's own editor: a file of its own, with the schema beside it, until it reads as a grant.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { grantJsonSchema, readGrant, WritError } from '#protocol';
import type { Grant } from '#protocol';
import type { Desk } from '../../desk.js';
import type { Draft } from './change.js';
import { grantOf } from './flags.js';
import { faultLines, grantText } from './text.js';

/** The folder of the text is left to the caller: what somebody wrote goes only when it is in force. @throws WritError `invalid_request` */
export async function editedGrant(desk: Desk, before: Grant): Promise<Draft> {
  const file = laidOut(before);
  for (;;) {
    runEditor(desk, file);
    const faults = faultsIn(file);
    if (faults.length === 0) break;
    desk.world.err(`${faults.join('\n')}\n`);
    if (!desk.world.interactive) throw kept(file);
    await desk.confirm(`Edit it again? Your text is in ${file}.`, false);
  }
  return { grant: grantOf(grantText(file), file), file, discard: () => rmSync(dirname(file), { recursive: true }) };
}

function laidOut(grant: Grant): string {
  const folder = mkdtempSync(join(tmpdir(), 'writ-grant-'));
  const file = join(folder, 'grant.json');
  writeFileSync(join(folder, 'grant.schema.json'), JSON.stringify(grantJsonSchema(), null, 2), { mode: 0o600 });
  const text = JSON.stringify({ $schema: './grant.schema.json', ...grant }, null, 2);
  writeFileSync(file, `${text}\n`, { mode: 0o600 });
  return file;
}

/** As git does it: the variable may hold arguments (`code --wait`), so the shell splits it; the file is an argument of its own. */
function runEditor({ world }: Desk, file: string): void {
  const editor = world.env.VISUAL ?? world.env.EDITOR ?? 'vi';
  const { status, error } = spawnSync('/bin/sh', ['-c', `${editor} "$1"`, 'editor', file], { stdio: 'inherit' });
  if (status === 0) return;
  rmSync(dirname(file), { recursive: true, force: true });
  throw new WritError(
    'invalid_request',
    `The editor \`${editor}\` ended with ${status ?? 'a signal'}: nothing changed.`,
    {
      field: 'EDITOR',
      cause: error,
    },
  );
}

function faultsIn(file: string): string[] {
  try {
    const reading = readGrant(grantText(file));
    return reading.ok ? [] : faultLines(reading.faults);
  } catch (error) {
    if (error instanceof WritError) return [error.detail];
    throw error;
  }
}

function kept(file: string): WritError {
  return new WritError('invalid_request', `Nothing changed. Your text is kept: mend ${file}, then --file ${file}.`, {
    field: 'file',
  });
}
