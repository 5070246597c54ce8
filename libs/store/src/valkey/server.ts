// What a Valkey or Redis server says about itself: which run of it this is, and whether it keeps what it acknowledges.
import type { Redis } from 'ioredis';
import type { Durability } from '../store.js';

export interface ServerState {
  /** Changes with every start of the server process. */
  readonly runId: string;
  readonly durability: Durability;
  /** A promoted replica: it may lack what its predecessor had acknowledged. */
  readonly promoted: boolean;
}

export async function inspectServer(client: Redis): Promise<ServerState> {
  const info = parseInfo(await client.info());
  return {
    runId: info.get('run_id') ?? '',
    durability: await durabilityOf(client),
    promoted: Number(info.get('second_repl_offset') ?? '-1') >= 0,
  };
}

/** Hosted servers may forbid CONFIG; then nothing is known, and that counts as not synced. */
export async function durabilityOf(client: Redis): Promise<Durability> {
  const settings = await settingsOf(client);
  if (!settings) return { synced: false, reason: 'The server does not show its settings (CONFIG GET).' };
  if (settings.get('appendonly') !== 'yes') return { synced: false, reason: 'Set `appendonly yes` on the server.' };
  if (settings.get('appendfsync') !== 'always')
    return { synced: false, reason: 'Set `appendfsync always` on the server.' };
  if (settings.get('maxmemory') !== '0' && settings.get('maxmemory-policy') !== 'noeviction')
    return { synced: false, reason: 'Set `maxmemory-policy noeviction` on the server.' };
  return { synced: true };
}

async function settingsOf(client: Redis): Promise<Map<string, string> | null> {
  try {
    const flat = await client.config('GET', 'append*', 'maxmemory*');
    return new Map(flat.flatMap((name, i) => (i % 2 ? [] : [[name, flat[i + 1] ?? '']])));
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return null;
    throw error;
  }
}

function parseInfo(text: string): Map<string, string> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}
