// What an agent reports, taken out of what is known of it: for people and for whoever goes on with it. It stands in the signed end
// of the agent, or of the last turn of its session.
import { z } from 'zod';
import { agentResource, agentResult, exitReason, type AgentResource } from './agent.js';

const { agentId, taskId, agentType, state, reason, endedAt, spoke } = agentResource.shape;

/** `GET /v1/agents/:id/report`. `items` are the work items with what became of each; `turn` is that of a session. */
export const agentReport = z.strictObject({
  agentId,
  taskId,
  agentType,
  state,
  turn: z.int().min(1).optional(),
  exitReason: exitReason.optional(),
  reason,
  endedAt,
  spoke,
  ...agentResult.shape,
  items: z.array(
    z.strictObject({ text: z.string(), status: z.enum(['done', 'partly', 'not_done']), note: z.string() }),
  ),
});
export type AgentReport = z.infer<typeof agentReport>;

/** Undefined while there is none. */
export function reportOf(agent: AgentResource): AgentReport | undefined {
  const last = agent.result ? undefined : agent.turns?.last;
  const { result, exitReason, reason, endedAt } = last ?? agent;
  if (!result) return undefined;
  const { agentId, taskId, agentType, state, spoke, context } = agent;
  const about = { agentId, taskId, agentType, state, exitReason, reason, endedAt, spoke, turn: last?.turn };
  const items = result.items.map(({ item, ...answer }) => ({ text: context.workItems[item] ?? '', ...answer }));
  return agentReport.parse(present({ ...about, ...result, items }));
}

function present(all: object): object {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** As Markdown. What an agent wrote stays text in it: it makes no headings, links or HTML. */
export function reportText(report: AgentReport): string {
  const { agentType, agentId, state, exitReason, reason, summary } = report;
  const head = [`# ${agentType} ${agentId}: ${state}${exitReason === undefined ? '' : ` (${exitReason})`}`];
  const parts = [verdictPart(report), itemsPart(report), findingsPart(report), gatesPart(report), workPart(report)];
  return `${[...head, plain(reason ?? ''), plain(summary), ...parts].filter(Boolean).join('\n\n')}\n`;
}

function verdictPart({ verdict }: AgentReport): string {
  if (!verdict) return '';
  return `## Verdict: ${verdict.passed ? 'passed' : 'failed'}\n\n${fenced(verdict.command)}\n\n${fenced(verdict.detail)}`;
}

function itemsPart({ items }: AgentReport): string {
  return list(
    'Work items',
    items.map(({ text, status, note }) => `${status.replace('_', ' ')}: ${plain(text)}. ${plain(note)}`),
  );
}

function findingsPart({ findings = [], secrets = [] }: AgentReport): string {
  const found = findings.map(
    ({ file, line, severity, message }) => `${severity}, ${plain(file)}:${line}: ${plain(message)}`,
  );
  return list('Findings', [
    ...found,
    ...secrets.map(({ rule, file, line }) => `secret (${plain(rule)}), ${plain(file)}:${line}`),
  ]);
}

function gatesPart({ gates = [] }: AgentReport): string {
  const lines = gates.map(({ command, passed, reason = '', output }) => {
    const line = `${passed ? 'passed' : 'did not pass'}: ${plain(command)} ${plain(reason)}`.trimEnd();
    return output === undefined ? line : `${line}\n\n${fenced(output)}\n`;
  });
  return list('Gates', lines);
}

function workPart({ branch, commit, changes, push }: AgentReport): string {
  const { files = 0, insertions = 0, deletions = 0 } = changes ?? {};
  return list('Work', [
    ...(commit === undefined
      ? []
      : [`${plain(branch ?? '')} at ${commit}: ${files} files, +${insertions} −${deletions}`]),
    ...(push ? [`pushed to ${plain(push.branch)}: ${push.commit ?? `no. ${plain(push.reason ?? '')}`}`] : []),
  ]);
}

function list(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `## ${title}\n\n${lines.map((line) => `- ${line}`).join('\n')}`;
}

/** One paragraph of text: no control characters, nothing that Markdown or HTML would read. */
function plain(text: string): string {
  const line = text.replace(/\p{Cc}+|\s+/gu, ' ').trim();
  return line.replace(/[\\`*_[\]<>#|~!&]/g, String.raw`\$&`);
}

/** With a fence that the text cannot close. */
function fenced(text: string): string {
  const runs = (text.match(/`+/g) ?? []).map(({ length }) => length);
  const fence = '`'.repeat(Math.max(3, ...runs.map((length) => length + 1)));
  return `${fence}\n${text.replace(/[^\P{Cc}\n\t]/gu, '').trimEnd()}\n${fence}`;
}
