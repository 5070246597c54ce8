// The format of the SQLite file: its number, its schema, and the way from every older format to this one.
// The number stands in the file's header (`user_version`), our mark beside it (`application_id`).
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../error.js';

/** "WRIT" in ASCII. */
const applicationId = 0x57524954;

/** A step from one format to the next. It runs inside the transaction that also writes the new number. */
interface Migration {
  readonly to: number;
  run(db: DatabaseSync): void;
}

/** What a version of the software can read: `create` makes an empty store of the newest format. */
export interface Formats {
  readonly current: number;
  create(db: DatabaseSync): void;
  /** One per older format, ascending. */
  readonly migrations: readonly Migration[];
}

export const formats: Formats = {
  current: 1,
  create: (db) => db.exec(schema),
  migrations: [],
};

// `records.format` and `entries.format` name the format in which the row's value was written.
const schema = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE records (
  key BLOB PRIMARY KEY, value TEXT NOT NULL, version INTEGER NOT NULL, expires_at INTEGER, format INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX records_by_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE streams (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, head INTEGER NOT NULL) STRICT;
CREATE TABLE entries (
  stream INTEGER NOT NULL, cursor INTEGER NOT NULL, value TEXT NOT NULL, format INTEGER NOT NULL,
  PRIMARY KEY (stream, cursor)
) STRICT, WITHOUT ROWID;
`;

/**
 * Looks at the file without a connection that could write to it: at its header, and at what a crash left in the
 * write-ahead log, which may be newer.
 * @throws StoreError `store_format` for a newer format or a file that is not ours.
 */
export function refuseForeignFile(path: string, known: Formats): void {
  if (statSync(path).size === 0) return;
  refuseHeader(path, known);
  if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  const reader = new DatabaseSync(path, { readOnly: true });
  try {
    formatOf(reader, known);
  } finally {
    reader.close();
  }
}

function refuseHeader(path: string, known: Formats): void {
  const header = Buffer.alloc(100);
  const file = openSync(path, 'r');
  try {
    readSync(file, header, 0, 100, 0);
  } finally {
    closeSync(file);
  }
  if (header.toString('latin1', 0, 15) !== 'SQLite format 3')
    throw new StoreError('store_format', 'The file is not a SQLite database.');
  refuse(header.readUInt32BE(60), header.readUInt32BE(68), known);
}

/**
 * Brings an open database to the current format in one transaction; a failing step leaves the old format whole.
 * @throws StoreError `store_format` as above: the header may be older than what the write-ahead log holds.
 */
export function bringUpToDate(db: DatabaseSync, known: Formats): void {
  if (formatOf(db, known) === known.current) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    const found = formatOf(db, known);
    if (found === 0) known.create(db);
    else for (const step of known.migrations) if (step.to > found) step.run(db);
    db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${known.current}; COMMIT`);
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

function formatOf(db: DatabaseSync, known: Formats): number {
  const format = db.prepare('PRAGMA user_version').get()?.['user_version'] as number;
  const mark = db.prepare('PRAGMA application_id').get()?.['application_id'] as number;
  refuse(format, mark, known);
  if (mark === 0 && db.prepare('SELECT 1 FROM sqlite_schema').get()) refuse(format, -1, known);
  return format;
}

function refuse(format: number, mark: number, known: Formats): void {
  if (format === 0 && mark === 0) return;
  if (mark !== applicationId) throw new StoreError('store_format', 'The file is a database of another program.');
  if (format > known.current)
    throw new StoreError(
      'store_format',
      `The store has format ${format}; this version knows formats up to ${known.current}.`,
    );
}
