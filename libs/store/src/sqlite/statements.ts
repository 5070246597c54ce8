// Every SQL statement of the adapter, prepared once, and the rows that they answer with.
import type { DatabaseSync, StatementSync } from 'node:sqlite';

export interface RecordRow {
  readonly key: Uint8Array;
  readonly value: string;
  readonly version: number;
}

export interface EntryRow {
  readonly cursor: number;
  readonly value: string;
}

const live = '(expires_at IS NULL OR expires_at > ?)';

const sql = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  meta: 'SELECT value FROM meta WHERE name = ?',
  setMeta: 'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  version: `SELECT version FROM records WHERE key = ? AND ${live}`,
  get: `SELECT iif(version = ?, NULL, value) AS value, version FROM records WHERE key = ? AND ${live}`,
  list: `SELECT key, value, version FROM records WHERE key > ? AND key < ? AND ${live} ORDER BY key LIMIT ?`,
  listBack: `SELECT key, value, version FROM records WHERE key > ? AND key < ? AND ${live} ORDER BY key DESC LIMIT ?`,
  put: `INSERT INTO records (key, value, version, expires_at, format) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version,
    expires_at = excluded.expires_at, format = excluded.format`,
  remove: 'DELETE FROM records WHERE key = ?',
  sweep: 'DELETE FROM records WHERE key IN (SELECT key FROM records WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
  openStream: `INSERT INTO streams (key, head) VALUES (?, 0)
    ON CONFLICT (key) DO UPDATE SET head = head RETURNING id, head`,
  setHead: 'UPDATE streams SET head = ? WHERE id = ?',
  append: 'INSERT INTO entries (stream, cursor, value, format) VALUES (?, ?, ?, ?)',
  head: 'SELECT head FROM streams WHERE key = ?',
  read: `SELECT cursor, value FROM entries WHERE stream = (SELECT id FROM streams WHERE key = ?) AND cursor > ?
    ORDER BY cursor LIMIT ?`,
  trim: `DELETE FROM entries WHERE (stream, cursor) IN (SELECT stream, cursor FROM entries
    WHERE stream = (SELECT id FROM streams WHERE key = ?) AND cursor <= ? ORDER BY cursor LIMIT ?)`,
  dataVersion: 'PRAGMA data_version',
} as const;

export type Statements = Readonly<Record<keyof typeof sql, StatementSync>>;

export function prepareStatements(db: DatabaseSync): Statements {
  const entries = Object.entries(sql).map(([name, text]) => [name, db.prepare(text)] as const);
  return Object.fromEntries(entries) as Record<keyof typeof sql, StatementSync>;
}
