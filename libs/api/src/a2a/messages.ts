// A message as what it asks for: its text is the work, its data (or `metadata.writ`) the rest of a request to spawn, checked as over REST.
import { createHash } from 'node:crypto';
import { spawnRequest, turnInput, WritError, type AgentType } from '#protocol';
import { z } from 'zod';
import type { Caller, SpawnCommand } from '../gateway.js';
import { validated } from '../requests/validation.js';
import { refusal } from './errors.js';
import type { MessageIn, PartIn } from './requests.js';

export const inputModes = ['text/plain', 'application/json'] as const;

const loose = z.record(z.string(), z.unknown());

/** @throws WritError `invalid_request` as REST has it */
export async function spawnOf(
  caller: Caller,
  message: MessageIn,
  bound: AgentType | undefined,
): Promise<Pick<SpawnCommand, 'spoke' | 'args'>> {
  const { agentType, context, taskId, ...rest } = wishes(message);
  const texts = textsOf(message.parts);
  const body = {
    ...{ taskId: same('taskId', message.contextId, taskId) ?? contextOf(caller, message.messageId) },
    ...{ agentType: same('agentType', bound, agentType) ?? 'worker', ...rest },
    context: texts.length === 0 ? context : withItems(context, texts),
  };
  const { spoke, ...args } = (await validated(spawnRequest, body, { whole: 'message' })) as z.output<
    typeof spawnRequest
  >;
  return { spoke, args };
}

/** The texts are work items, behind those that the data has. */
function withItems(context: unknown, texts: readonly string[]): object {
  const { workItems = [], ...where } = loose.safeParse(context).data ?? {};
  return { ...where, workItems: Array.isArray(workItems) ? [...(workItems as unknown[]), ...texts] : workItems };
}

/** The input of a further turn. @throws WritError `invalid_request` */
export async function turnOf({ parts, metadata }: MessageIn): Promise<string> {
  if (parts.some(({ data }) => data !== undefined) || metadata?.writ !== undefined)
    throw new WritError('invalid_request', 'A message to a task that is there has text only.', { field: 'parts' });
  return (await validated(turnInput, textsOf(parts).join('\n\n'), { whole: 'parts' })) as string;
}

/** @throws A2aError for a part that is neither text nor data */
function textsOf(parts: readonly PartIn[]): string[] {
  for (const part of parts) refuseMedia(part);
  return parts.flatMap(({ text }) => (text === undefined ? [] : [text]));
}

function refuseMedia({ text, data, mediaType = '' }: PartIn): void {
  const [bare = ''] = mediaType.split(';', 1);
  const known: readonly string[] = ['', ...inputModes];
  if ((text !== undefined || data !== undefined) && known.includes(bare.trim().toLowerCase())) return;
  const detail = `A part has to be text (\`text/plain\`) or data (\`application/json\`)${bare ? `, not ${bare.slice(0, 100)}` : ''}.`;
  throw refusal('CONTENT_TYPE_NOT_SUPPORTED', 'invalid_request', detail, 'message.parts');
}

function wishes({ parts, metadata }: MessageIn): Record<string, unknown> {
  const given = [metadata?.writ, ...parts.map(({ data }) => data)].filter((one) => one !== undefined);
  const [wish = {}, ...more] = given;
  const parsed = loose.safeParse(wish);
  if (parsed.success && more.length === 0) return parsed.data;
  const detail = 'The rest of the request is one object: one data part, or `metadata.writ`.';
  throw new WritError('invalid_request', detail, { field: 'message.parts' });
}

/** What is said twice has to be the same. */
function same(field: string, bound: unknown, given: unknown): unknown {
  if (bound === undefined || given === undefined || bound === given) return bound ?? given;
  throw new WritError('invalid_request', `${field}: the message says two different things of it.`, { field });
}

/** The same for the same message of the same key, so that a repeated one means the same task. */
function contextOf({ actor }: Caller, messageId: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([actor.id, messageId]))
    .digest('hex');
  return `a2a-${digest.slice(0, 32)}`;
}
