// Opening the SQLite file: private to its owner, write-ahead log, every commit synced.
import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { unavailable } from '../error.js';
import { bringUpToDate, type Formats, refuseForeignFile } from './format.js';

/** How long a statement waits for another process's transaction. It blocks this process too, so it is short. */
const busyTimeoutMs = 2_000;

/** The log file is cut back to this size after a checkpoint. */
const journalBytesMax = 64 * 1024 * 1024;

/** @throws StoreError `store_format`, or `store_unavailable` when the file cannot be opened. */
export function openDatabase(path: string, known: Formats): DatabaseSync {
  try {
    if (path === ':memory:') return prepare(new DatabaseSync(path), known);
    makePrivate(path);
    refuseForeignFile(path, known);
    return prepare(new DatabaseSync(path, { timeout: busyTimeoutMs }), known);
  } catch (error) {
    throw unavailable(error, 'The store file cannot be opened.');
  }
}

/**
 * Tells this file from a copy of it: a backup that was put back has another inode or another birth. (One that was
 * written over the old file byte by byte has neither; so remove the old file first.) Null in memory.
 */
export function identityOf(path: string): string | null {
  if (path === ':memory:') return null;
  const { ino, birthtimeNs } = statSync(path, { bigint: true });
  return `${ino}.${birthtimeNs}`;
}

/** SQLite gives its side files the mode of the main one, so that is made first. */
function makePrivate(path: string): void {
  mkdirSync(dirname(resolve(path)), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
}

// The busy timeout is set by the constructor, before `journal_mode`: without it a second process that starts at the
// same moment dies with SQLITE_BUSY.
function prepare(db: DatabaseSync, known: Formats): DatabaseSync {
  try {
    db.exec('PRAGMA user_version');
    bringUpToDate(db, known);
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${journalBytesMax}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
