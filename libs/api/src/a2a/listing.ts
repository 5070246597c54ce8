// ListTasks: the agents of this instance, those on their way included, by their last change, newest first, in pages by cursor.
import { WritError, type AgentResource } from '#protocol';
import type { Gateway, OrderedSpawn } from '../gateway.js';
import type { Asked } from './operation.js';
import type { ListIn } from './requests.js';
import { standingSeen, taskOfOrder, type Seen } from './ordered.js';
import type { Standing } from './states.js';
import { reportsOf, taskOf } from './tasks.js';
import type { Task } from './wire.js';

/** As many agents are looked at, those that were spawned last. */
const agentsMax = 10_000;
const pageMax = 200;

interface Row {
  readonly seen: Seen;
  readonly standing: Standing;
  /** Sorts by the last change, and for the same moment by the id. */
  readonly place: string;
}

export async function listTasks(asked: Asked, wanted: ListIn) {
  const { contextId, pageSize, pageToken } = wanted;
  const after = pageToken === undefined ? undefined : placeOf(pageToken);
  const rows = await rowsOf(asked.gateway, { taskId: contextId, agentType: asked.agentType });
  const found = rows.filter((row) => fits(row, wanted)).sort((a, b) => (a.place < b.place ? 1 : -1));
  const rest = after === undefined ? found : found.filter(({ place }) => place < after);
  const page = rest.slice(0, pageSize);
  const nextPageToken = rest.length > pageSize ? tokenOf(page.at(-1)?.place ?? '') : '';
  return { tasks: page.map((row) => shown(row, wanted)), nextPageToken, pageSize, totalSize: found.length };
}

function fits({ standing: { state, at } }: Row, { status, statusTimestampAfter: after }: ListIn): boolean {
  return (status ?? state) === state && (after === undefined || Date.parse(at) >= Date.parse(after));
}

/** Diffs stand in GetTask alone: each is asked of its spoke. */
function shown({ seen }: Row, { historyLength, includeArtifacts }: ListIn): Task {
  if ('ordered' in seen) return taskOfOrder(seen.ordered, historyLength);
  const task = taskOf(seen.agent, historyLength);
  return includeArtifacts ? { ...task, artifacts: reportsOf(seen.agent) } : task;
}

type Which = Pick<Parameters<Gateway['list']>[0], 'taskId' | 'agentType'>;

/** One that its spoke tells of meanwhile is taken as that. */
async function rowsOf(gateway: Gateway, which: Which): Promise<readonly Row[]> {
  const found = new Map<string, Seen>();
  for (const ordered of await gateway.orders()) if (isOf(ordered, which)) found.set(ordered.agentId, { ordered });
  for (const agent of await agentsOf(gateway, which)) found.set(agent.agentId, { agent });
  return [...found].map(([id, seen]) => {
    const standing = standingSeen(seen);
    return { seen, standing, place: `${standing.at} ${id}` };
  });
}

function isOf({ args }: OrderedSpawn, { taskId, agentType }: Which): boolean {
  return (taskId ?? args.taskId) === args.taskId && (agentType ?? args.agentType) === args.agentType;
}

async function agentsOf(gateway: Gateway, which: Which): Promise<readonly AgentResource[]> {
  const all: AgentResource[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await gateway.list({ ...which, cursor, limit: pageMax });
    all.push(...page.agents);
    cursor = page.nextCursor;
    if (cursor === undefined || all.length >= agentsMax) return all;
  }
}

const tokenOf = (place: string) => Buffer.from(place).toString('base64url');

/** @throws WritError `invalid_request` */
function placeOf(token: string): string {
  const place = Buffer.from(token, 'base64url').toString();
  if (/^\d{4}-[0-9T:.-]+Z [0-9a-f-]{36}$/.test(place)) return place;
  throw new WritError('invalid_request', 'pageToken: it is not one of this list.', { field: 'pageToken' });
}
