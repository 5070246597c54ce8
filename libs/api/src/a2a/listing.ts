// ListTasks: the agents of this instance by their last change, newest first, in pages by cursor.
import { WritError, type AgentResource } from '#protocol';
import type { Gateway } from '../gateway.js';
import type { Asked } from './operation.js';
import type { ListIn } from './requests.js';
import { standingOf } from './states.js';
import { reportsOf, taskOf } from './tasks.js';
import type { Task } from './wire.js';

/** As many agents are looked at, those that were spawned last. */
const agentsMax = 10_000;
const pageMax = 200;

interface Row {
  readonly agent: AgentResource;
  /** Sorts by the last change, and for the same moment by the id. */
  readonly place: string;
}

export async function listTasks(asked: Asked, wanted: ListIn) {
  const { contextId, pageSize, pageToken } = wanted;
  const after = pageToken === undefined ? undefined : placeOf(pageToken);
  const agents = await agentsOf(asked.gateway, { taskId: contextId, agentType: asked.agentType });
  const rows = agents.map((agent) => ({ agent, place: `${standingOf(agent).at} ${agent.agentId}` }));
  const found = rows.filter((row) => fits(row, wanted)).sort((a, b) => (a.place < b.place ? 1 : -1));
  const rest = after === undefined ? found : found.filter(({ place }) => place < after);
  const page = rest.slice(0, pageSize);
  const nextPageToken = rest.length > pageSize ? tokenOf(page.at(-1)?.place ?? '') : '';
  return { tasks: page.map((row) => shown(row, wanted)), nextPageToken, pageSize, totalSize: found.length };
}

function fits({ agent }: Row, { status, statusTimestampAfter: after }: ListIn): boolean {
  const { state, at } = standingOf(agent);
  return (status ?? state) === state && (after === undefined || Date.parse(at) >= Date.parse(after));
}

/** Diffs stand in GetTask alone: each is asked of its spoke. */
function shown({ agent }: Row, { historyLength, includeArtifacts }: ListIn): Task {
  const task = taskOf(agent, historyLength);
  return includeArtifacts ? { ...task, artifacts: reportsOf(agent) } : task;
}

type Which = Pick<Parameters<Gateway['list']>[0], 'taskId' | 'agentType'>;

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
