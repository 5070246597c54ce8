// The parts of a grant in people's words, and its figures with their units.
import { bytes, counted, lasting, money } from './figures.js';

const names: Readonly<Record<string, string>> = {
  operations: 'It may ask for',
  agentTypes: 'Agents it may spawn',
  repositories: 'Repositories',
  branches: 'Branches to start from',
  push: 'Branches to push to',
  gates: 'Gates of its own',
  egress: 'Hosts',
  runtimes: 'Runtimes',
  models: 'Models',
  sandbox: 'Weakest sandbox',
  concurrentMax: 'Agents at once',
  limits: 'Each agent',
  perDay: 'All its agents on one day (UTC)',
  startsPerMinute: 'Starts a minute',
  hubLost: 'When the hub is lost',
  approval: 'Approval by a person',
  turnsMax: 'Turns',
  tokensMax: 'Tokens',
  tokens: 'Tokens',
  agents: 'Agents',
  moneyMicroUsd: 'Money, in millionths of a dollar',
  moneyMicroUsdMax: 'Money, in millionths of a dollar',
  wallMs: 'Time, in milliseconds',
  outputBytesMax: 'Output, in bytes',
  memoryBytesMax: 'Memory, in bytes',
  diskBytesMax: 'Disk, in bytes',
  pidsMax: 'Processes',
  cpuPercentMax: 'Processor, in percent of a core',
  withinS: 'Within so many seconds',
  stopAfterS: 'Stop after so many seconds',
};

export const partName = (name: string) => names[name] ?? name;

/** By what its name ends in: the unit of a figure stands there. Undefined where the bare figure says it all. */
export function unitWords(name: string, value: number): string | undefined {
  if (name.startsWith('moneyMicroUsd')) return money(value);
  if (name.includes('Bytes')) return bytes(value);
  if (name.endsWith('Ms')) return lasting(value);
  return name.endsWith('S') ? lasting(value * 1_000) : undefined;
}

export const figureWords = (name: string, value: number) => unitWords(name, value) ?? counted(value);
