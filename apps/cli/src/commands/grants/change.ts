// One edit of a grant: what it would change is shown and confirmed, then it is written over the version that was looked at.
import { isDeepStrictEqual } from 'node:util';
import type { RestClient } from '#client';
import type { Grant, GrantEdited, HeldGrant } from '#protocol';
import type { Desk } from '../../desk.js';
import { changeLines, grantLines } from './lines.js';

export interface ChangeFlags {
  readonly reason?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  /** The version that the text was made of; the one in force by default. */
  readonly expect?: string;
}

/** A grant to be; with a text of its own, which is kept until it is in force. */
export interface Draft {
  readonly grant: Grant;
  readonly file?: string;
  readonly discard?: () => void;
}

/** `made` gets the grant in force and gives the one wanted. */
export async function change(
  desk: Desk,
  hub: string,
  flags: ChangeFlags,
  made: (before: Grant) => Draft | Promise<Draft>,
): Promise<void> {
  await desk.with('spoke', async (client) => {
    const held = await client.hubs.grant(hub);
    const draft = await made(held.grant);
    if (isDeepStrictEqual(asSent(draft.grant), held.grant)) showSame(desk, held);
    else await keeping(draft, desk, () => write(desk, client, wishOf(hub, draft, held, flags), flags));
    draft.discard?.();
  });
}

/** Without the members that no request would carry. */
const asSent = (grant: Grant): unknown => JSON.parse(JSON.stringify(grant));

async function keeping({ file }: Draft, desk: Desk, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (file !== undefined) desk.world.err(`Your text is kept: ${file}\n`);
    throw error;
  }
}

interface Wish {
  readonly hub: string;
  readonly grant: Grant;
  readonly version: number;
}

async function write(desk: Desk, client: RestClient, { hub, grant, version }: Wish, flags: ChangeFlags): Promise<void> {
  const { reason, yes, dryRun } = flags;
  const looked = await client.hubs.setGrant(hub, { grant, reason }, { version, dryRun: true });
  if (dryRun) {
    showEdited(desk, looked);
    return;
  }
  for (const line of proposal(looked)) desk.world.err(`${line}\n`);
  await desk.confirm(`Change the grant of ${hub}?`, yes);
  showEdited(desk, await client.hubs.setGrant(hub, { grant, reason }, { version }));
}

function wishOf(hub: string, { grant }: Draft, held: HeldGrant, { expect }: ChangeFlags): Wish {
  return { hub, grant, version: expect === undefined ? held.version : Number(expect) };
}

function proposal({ changes, running }: GrantEdited): string[] {
  const lines = changes.length > 0 ? changeLines(changes) : ['= the same, in another order'];
  return running.agents > 0 ? [...lines, running.words] : lines;
}

function showSame(desk: Desk, held: HeldGrant): void {
  if (desk.print.form === 'json') desk.print.json({ ...held, dryRun: true, changes: [] });
  else desk.print.say(`Nothing changed: this is version ${held.version}.`);
}

function showEdited(desk: Desk, edited: GrantEdited): void {
  const { version, grant, dryRun } = edited;
  if (desk.print.form !== 'json' && dryRun) for (const line of proposal(edited)) desk.print.say(line);
  else desk.print.one(edited, [['version', version], ...grantLines(grant)]);
}
