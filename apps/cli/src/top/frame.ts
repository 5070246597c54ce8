// One picture of `writ top` as lines that fit the terminal. What others wrote steers nothing in it.
import type { AgentResource, Hub, Spoke } from '#protocol';
import { harmless } from '../printer.js';
import type { Snapshot } from './snapshot.js';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Widths; the last column takes what is left. */
const peerWidths = [18, 11, 8, 9];
const agentWidths = [9, 14, 9, 9, 7, 9, 9];

export function frame(snapshot: Snapshot, size: Size): string[] {
  const lines = [...heading(snapshot), '', ...peerLines(snapshot), '', ...agentLines(snapshot)];
  const shown = lines.slice(0, size.rows - 1);
  const hidden = lines.length - shown.length;
  const foot = hidden > 0 ? `… ${hidden} more lines · q quits` : 'q quits';
  return [...shown, foot].map((line) => cut(line, size.columns));
}

function heading({ at, name, role, counts, latched }: Snapshot): string[] {
  const { spawning, running, completed, failed, killed } = counts;
  const live = `${spawning + running} live (${spawning} spawning, ${running} running)`;
  const stop = latched.length > 0 ? [`KILLSWITCH SET: ${latched.join(', ')}`] : [];
  return [
    `${role} ${name} · ${at.slice(11, 19)} UTC`,
    `${live} · ${completed} completed · ${failed} failed · ${killed} killed`,
    ...stop,
  ];
}

function peerLines({ role, peers, at }: Snapshot): string[] {
  const title = row(peerWidths, [
    role === 'hub' ? 'SPOKE' : 'HUB',
    'STATE',
    'LINK',
    'HEARD',
    role === 'hub' ? 'LIVE' : '',
  ]);
  return [title, ...(peers.length > 0 ? peers.map((peer) => peerLine(peer, at)) : ['(none)'])];
}

function peerLine(peer: Spoke | Hub, at: string): string {
  const link = peer.circuit === undefined || peer.circuit === 'closed' ? (peer.connected ? 'up' : 'down') : 'silent';
  const heard = peer.heardAt === undefined ? '-' : `${span(peer.heardAt, at)} ago`;
  return row(peerWidths, [peer.name, peer.state, link, heard, 'liveAgents' in peer ? String(peer.liveAgents) : '']);
}

function agentLines({ agents, at }: Snapshot): string[] {
  const title = row(agentWidths, ['AGENT', 'ON', 'TYPE', 'STATE', 'AGE', 'TURNS', 'USD', 'TASK']);
  return [title, ...(agents.length > 0 ? agents.map((agent) => agentLine(agent, at)) : ['(none)'])];
}

function agentLine(agent: AgentResource, at: string): string {
  const { agentId, spoke, agentType, state, phase, spawnedAt, usage, limits, taskId } = agent;
  const turns = limits.turnsMax === undefined ? String(usage.turns) : `${usage.turns}/${limits.turnsMax}`;
  const money = (usage.moneyMicroUsd / 1e6).toFixed(4);
  const place = spoke?.name ?? 'here';
  return row(agentWidths, [
    agentId.slice(0, 8),
    place,
    agentType,
    phase ?? state,
    span(spawnedAt, at),
    turns,
    money,
    taskId,
  ]);
}

function row(widths: readonly number[], cells: readonly string[]): string {
  const padded = cells.map((text, index) => {
    const width = widths[index];
    const clean = harmless(text).replace(/[\t\n]+/g, ' ');
    return width === undefined ? clean : cut(clean, width - 1).padEnd(width);
  });
  return padded.join('').trimEnd();
}

function cut(text: string, columns: number): string {
  return text.length > columns ? `${text.slice(0, Math.max(columns - 1, 0))}…` : text;
}

/** `12s`, `3m`, `5h`, `2d`. */
function span(from: string, to: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1_000));
  if (seconds < 100) return `${seconds}s`;
  if (seconds < 6_000) return `${Math.round(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)}h` : `${Math.round(seconds / 86_400)}d`;
}
