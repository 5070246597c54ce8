// Serves the tiny gateway over real HTTP, with a real store in a folder of its own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { Acts, ApiModule, consoleOf, consoleOptions, createLogger, serve } from '#api';
import type { ServeOptions } from '#api';
import { ChainedLog, openSqliteStore } from '#store';
import { TinyGateway, TinyModule } from './tiny-gateway.js';

export interface TinyApi extends AsyncDisposable {
  readonly gateway: TinyGateway;
  readonly url: string;
  readonly adminKey: string;
  readonly stateDir: string;
  /** Log lines so far. */
  readonly lines: string[];
  close(): Promise<void>;
}

interface TinyOptions extends Partial<ServeOptions> {
  readonly stateDir?: string;
  readonly role?: 'hub' | 'spoke';
  readonly controllers?: Type[];
  readonly heartbeatMs?: number;
  /** Where people reach it: with `https:` its cookie travels over TLS only. */
  readonly publicUrl?: string;
  /** The setting `console`. */
  readonly console?: object;
}

const variable = (name: string) => process.env[name];

export async function startTinyApi(options: TinyOptions = {}): Promise<TinyApi> {
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'writ-api-')));
  const gateway = new TinyGateway();
  const store = await openSqliteStore({ path: join(stateDir, 'store.db') });
  const forget = async () => {
    if (options.stateDir === undefined) await rm(stateDir, { recursive: true, force: true });
  };
  const lines: string[] = [];
  const logger = createLogger('info', {}, { write: (line) => void lines.push(line) });
  const shared = ApiModule.register({
    imports: [TinyModule.of(gateway, store)],
    logger,
    acts: new Acts(new ChainedLog(store, ['tiny', 'acts'])),
    heartbeatMs: options.heartbeatMs,
    instance: { role: options.role ?? 'spoke', name: 'tiny' },
    console: consoleOf({
      console: consoleOptions(variable).parse(options.console ?? {}),
      publicUrl: options.publicUrl,
    }),
    variable,
  });
  const served = await serve(
    { module: Tiny, imports: [shared], controllers: options.controllers ?? [] },
    {
      host: '127.0.0.1',
      port: 0,
      logger,
      title: 'Tiny',
      description: 'For tests',
      version: '0.1.0',
      instance: { stateDir, role: options.role ?? 'spoke', name: 'tiny' },
      ...options,
    },
  ).catch(async (error: unknown) => {
    await store.close();
    await forget();
    throw error;
  });
  const close = async () => {
    await served.close();
    await store.close();
  };
  const dispose = async () => {
    await close();
    await forget();
  };
  const adminKey = served.firstKey ?? '';
  return { gateway, url: served.url, adminKey, stateDir, lines, close, [Symbol.asyncDispose]: dispose };
}

@Module({})
class Tiny {}
