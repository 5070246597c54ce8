// Every part of the room, made once and handed what it needs: first the ground, then the doors that stand on it.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Bundles } from './artifacts/bundles.js';
import { CleanupSaga } from './cleanup/saga.js';
import type { AgentsDeps } from './deps.js';
import { Collector } from './gc/collector.js';
import { Standings } from './gc/standing.js';
import { Killswitch } from './killswitch/killswitch.js';
import { Intents } from './killswitch/intents.js';
import { Latches } from './killswitch/latches.js';
import { Orders } from './killswitch/orders.js';
import { Tombstones } from './killswitch/tombstones.js';
import { EventMint } from './lifecycle/events.js';
import { Ledger } from './lifecycle/ledger.js';
import { Listing } from './lifecycle/listing.js';
import type { AgentRecord } from './lifecycle/record.js';
import { Register } from './lifecycle/register.js';
import { Pool } from './pool/pool.js';
import type { WarmBackend } from './sessions/warm-backend.js';
import { SessionDesk } from './sessions/desk.js';
import { Memories } from './sessions/memories.js';
import { egressFolder } from './egress/egress.js';
import { modelFolder } from './model/access.js';
import { OutputReader } from './output/reader.js';
import { Spools } from './output/spool.js';
import { Questions } from './questions/questions.js';
import type { Holder } from './recovery/holder.js';
import { Rescue } from './recovery/rescue.js';
import { Sweep } from './recovery/sweep.js';
import { Inspection } from './review/inspection.js';
import { Reviews } from './review/reviews.js';
import { Clearance } from './secrets/clearance.js';
import { Guard } from './secrets/guard.js';
import { Window } from './secrets/window.js';
import { Delivery } from './spawner/delivery.js';
import { Drain } from './spawner/drain.js';
import { Run } from './spawner/run.js';
import { Runs } from './spawner/runs.js';
import { Spawner } from './spawner/spawner.js';
import { Treasury } from './spending/treasury.js';
import { Turnstile } from './spawner/turnstile.js';

export async function laid(deps: AgentsDeps, holder: Holder) {
  const { store, options } = deps;
  const ledger = new Ledger(store, deps.now);
  const register = new Register(store, ledger);
  const treasury = new Treasury(ledger, deps.budget, deps.allowance);
  const mint = new EventMint(deps.sourceId, deps.now);
  const spools = new Spools(join(options.stateDir, 'output'));
  await spools.prepare();
  for (const folder of [modelFolder, egressFolder])
    await rm(join(options.stateDir, folder), { recursive: true, force: true });
  const ends = new Turnstile(options.startsMax);
  const saga = new CleanupSaga(deps, register, mint, ends, holder.mark);
  const starts = new Turnstile(options.startsMax);
  const reader = new OutputReader(spools, register);
  const guard = new Guard(deps.scanner);
  const clearance = new Clearance({ ...deps, options: deps.review.secrets });
  const window = new Window({ ...deps, clearance, guard, options: deps.review.secrets });
  const bundles = new Bundles({ ...options, ...deps, clearance, folder: join(options.stateDir, 'bundles') });
  await bundles.prepare();
  const reviews = new Reviews(deps, guard);
  const delivery = new Delivery(deps, register, new Inspection(clearance));
  const listing = new Listing(store);
  const questions = new Questions({ register, listing, mint, now: deps.now });
  const memories = new Memories(
    join(options.stateDir, 'sessions'),
    options.sessionBytesMax,
    options.sessionHomeBytesMax,
  );
  const pool = new Pool<WarmBackend>(options.pool, deps.log);
  const kept = { pool, ledger, register, treasury, mint, spools, listing, questions, memories };
  return { ...kept, window, bundles, reviews, ends, saga, starts, reader, delivery, runs: new Runs() };
}

export type Ground = Awaited<ReturnType<typeof laid>>;

export function doors(deps: AgentsDeps, ground: Ground, holder: Holder) {
  const { store, options, log } = deps;
  const start = (record: AgentRecord) => ground.runs.start(new Run({ ...ground, deps }, record));
  const latches = new Latches(store);
  const drain = new Drain(store);
  const tombstones = new Tombstones(store, options);
  const orders = new Orders(store, ground.runs, log);
  const intents = new Intents(store, ground.register, latches, log);
  const rescue = new Rescue({ ...ground, deps, holder, intents });
  const spawner = new Spawner({ ...ground, deps, latches, tombstones, drain, claim: holder.mark, start });
  const killswitch = new Killswitch({ ...ground, deps, latches, tombstones, orders, intents, rescue });
  const sweep = new Sweep({ ...ground, deps, holder, rescue, start });
  const collector = new Collector({
    deps,
    spools: ground.spools,
    standings: new Standings(ground.register, ground.runs),
  });
  const sessions = new SessionDesk({ ...ground, deps });
  return { sessions, holder, latches, orders, drain, spawner, killswitch, sweep, collector };
}

export type Doors = ReturnType<typeof doors>;
