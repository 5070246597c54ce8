// What is remembered of turns and steps back by their ids: sent again they are not done again.
import { createHash } from 'node:crypto';
import type { Restored } from '#protocol';
import type { Key, Put } from '#store';
import type { Restoring } from '../lifecycle/record.js';

/** How long: as an idempotency key binds, with room. */
const ttlMs = 49 * 3_600_000;

export interface TurnNote {
  readonly turn: number;
  readonly hash: string;
}

export type RestoreNote = Omit<Restored, 'agentId' | 'turnId'>;

export const turnNoteKey = (agentId: string, turnId: string): Key => ['agents', 'turn', agentId, turnId];
export const restoreNoteKey = (agentId: string, turnId: string): Key => ['agents', 'restore', agentId, turnId];
export const hashOf = (input: string) => createHash('sha256').update(input).digest('base64url');

export function turnNote(agentId: string, turnId: string, value: TurnNote): Put {
  return { key: turnNoteKey(agentId, turnId), value, ttlMs };
}

export function restoreNote(agentId: string, { turnId, turn, to }: Restoring, left: number): Put {
  const value: RestoreNote = { turn, to, left };
  return { key: restoreNoteKey(agentId, turnId), value, ttlMs };
}
