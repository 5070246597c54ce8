// Commits a second, by hand: `npm run build && node libs/store/bench.mjs /dev/shm/bench.db` or `… redis://127.0.0.1:6379`.
// One commit is what a transition of an agent is: a check, a record, an event.
import { rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { openSqliteStore, openValkeyStore } from '#store';

const target = process.argv[2] ?? '/dev/shm/writ-bench.db';
const store = target.includes('://')
  ? await openValkeyStore({ url: target, prefix: `bench-${process.pid}` })
  : await openSqliteStore({ path: target });

let agents = 0;

async function transitions(endAt) {
  const key = ['agents', `${agents++}`];
  let version = null;
  for (let n = 0; performance.now() < endAt; n++) {
    const value = { state: 'running', since: n };
    const result = await store.commit({
      checks: [{ key, version }],
      puts: [{ key, value }],
      appends: [{ stream: ['events'], value: { type: 'agent.running', n } }],
    });
    if (!result.ok) throw new Error('a check failed that nobody contests');
    version = result.version;
    count++;
  }
}

let count = 0;
async function measure(inFlight, forMs) {
  count = 0;
  const start = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: inFlight }, () => transitions(start + forMs)));
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: Math.round(count / seconds), cpuUs: +((user + system) / count).toFixed(1) };
}

await measure(64, 500);
for (const inFlight of [1, 16, 64, 256]) {
  const { perSecond, cpuUs } = await measure(inFlight, 2_000);
  console.log(`${String(inFlight).padStart(4)} in flight: ${perSecond} commits/s, ${cpuUs} µs CPU each`);
}
await store.close();
if (!target.includes('://')) for (const suffix of ['', '-wal', '-shm']) rmSync(target + suffix, { force: true });
