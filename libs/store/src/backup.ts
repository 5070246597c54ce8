// A backup is one SQLite file: the store as it was at one moment, and beside its tables the few files of the state folder
// that an instance cannot do without. Put back, the store begins another life: whoever follows it sees the break.
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { copyFileSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from './error.js';
import type { Store } from './store.js';

/** What a backup says about itself. */
export interface BackupAbout {
  readonly role: string;
  readonly name: string;
  /** Epoch milliseconds. */
  readonly madeAtMs: number;
}

const schema = `
CREATE TABLE backup_about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE backup_files (path TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;
`;

/**
 * Writes a backup that only its owner can read; the file is there whole or not at all. `files` are paths below the state folder.
 * @throws StoreError `invalid` for a store whose server has its own backup; `store_unavailable` when it cannot be written.
 */
export async function writeBackup(
  store: Store,
  path: string,
  about: BackupAbout,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const draft = `${path}.draft`;
  rmSync(draft, { force: true });
  closeSync(openSync(draft, 'wx', 0o600));
  try {
    await store.snapshot(draft);
    addBeside(draft, about, files);
    renameSync(draft, path);
  } finally {
    for (const name of [draft, `${draft}-wal`, `${draft}-shm`]) rmSync(name, { force: true });
  }
}

function addBeside(file: string, about: BackupAbout, files: ReadonlyMap<string, Uint8Array>): void {
  const db = new DatabaseSync(file);
  try {
    db.exec(
      `PRAGMA journal_mode = DELETE; BEGIN; ${schema} DELETE FROM meta WHERE name IN ('incarnation', 'identity')`,
    );
    const setAbout = db.prepare('INSERT INTO backup_about VALUES (?, ?)');
    for (const [name, value] of Object.entries(about)) setAbout.run(name, String(value));
    const setFile = db.prepare('INSERT INTO backup_files VALUES (?, ?)');
    for (const [name, content] of files) setFile.run(name, content);
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}

/** @throws StoreError `store_format` for a file that is no backup of Writ. */
export function readBackup(file: string): BackupAbout {
  return opened(file, (db) => {
    const rows = db.prepare('SELECT name, value FROM backup_about').all() as { name: string; value: string }[];
    const said = new Map(rows.map(({ name, value }) => [name, value]));
    return { role: said.get('role') ?? '', name: said.get('name') ?? '', madeAtMs: Number(said.get('madeAtMs')) };
  });
}

/**
 * Makes a state folder of a backup: owner only, whole or not at all.
 * @throws StoreError `invalid` when something is in the folder already; `store_format` for a file that is no backup.
 */
export function restoreBackup(file: string, folder: string): BackupAbout {
  const about = readBackup(file);
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new StoreError('invalid', `${folder} is not empty: a backup is put back into an empty state folder only.`);
  const draft = `${normalize(`${folder}/.`).replace(/\/+\.?$/, '')}.restoring`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  try {
    layFiles(file, draft);
    layStore(file, join(draft, 'store.sqlite'));
    if (existsSync(folder)) rmdirSync(folder);
    renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return about;
}

function layFiles(file: string, folder: string): void {
  const files = opened(file, (db) => db.prepare('SELECT path, content FROM backup_files').all());
  for (const { path, content } of files as { path: string; content: Uint8Array }[]) {
    if (path.startsWith('/') || path.split('/').includes('..'))
      throw new StoreError('store_format', 'The backup names a file outside the state folder.');
    mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, path), content, { mode: 0o600, flush: true });
  }
}

/** Without the keys that lay beside its tables, also in pages that are free. */
function layStore(file: string, path: string): void {
  copyFileSync(file, path);
  chmodSync(path, 0o600);
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA secure_delete = ON; DROP TABLE backup_about; DROP TABLE backup_files; VACUUM');
  } finally {
    db.close();
  }
}

function opened<T>(file: string, look: (db: DatabaseSync) => T): T {
  try {
    const db = new DatabaseSync(file, { readOnly: true });
    try {
      return look(db);
    } finally {
      db.close();
    }
  } catch (error) {
    throw new StoreError('store_format', 'The file cannot be read as a backup of Writ.', error);
  }
}
