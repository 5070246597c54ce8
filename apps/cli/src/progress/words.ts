// What is said of an agent and of bytes while somebody waits for them.
import type { AgentResource } from '#protocol';

/** `0b1c2d3e on berlin: running · 3 of 20 turns · $0.0123 · 4.0 KiB written`. */
export function agentWords(agent: AgentResource): string {
  const { agentId, spoke, usage, limits, outputBytes } = agent;
  const where = spoke === undefined ? '' : ` on ${spoke.name}`;
  const used = [
    usage.turns > 0 && `${usage.turns}${ofMost(limits.turnsMax)} turns`,
    usage.moneyMicroUsd > 0 && dollars(usage.moneyMicroUsd),
    outputBytes > 0 && `${amount(outputBytes)} written`,
  ];
  return [`${agentId.slice(0, 8)}${where}: ${standing(agent)}`, ...used.filter((one) => one !== false)].join(' · ');
}

const ofMost = (most: number | undefined) => (most === undefined ? '' : ` of ${most}`);

function standing({ state, phase, activity, question }: AgentResource): string {
  if (question) return 'waits for a person (writ questions)';
  const closer = phase ?? activity;
  return closer === undefined ? state : `${state} (${closer})`;
}

export function dollars(microUsd: number): string {
  return `$${(microUsd / 1e6).toFixed(4)}`;
}

/** Bytes for people: `980 B`, `4.0 KiB`, `12.3 MiB`. */
export function amount(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  return bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
