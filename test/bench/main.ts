// `npm run bench [-- --json] [-- --quick]`: our figures beside those of peers, measured in one run on one machine.
import { statusRoundtrip, type Row } from './status-roundtrip.js';

const flags = new Set(process.argv.slice(2));
const plan = flags.has('--quick') ? { rounds: 2, cellMs: 500, warmMs: 200 } : { rounds: 5, cellMs: 1_500, warmMs: 500 };

function line({ name, unit, inflight, ours, peers }: Row): string {
  const others = Object.entries(peers).map(([peer, value]) => `${peer} ${value}`);
  return `${name} @${inflight} ${unit}: writ ${ours} | ${others.join(' | ')}`;
}

const benchmarks = [...(await statusRoundtrip(plan))];
for (const row of benchmarks) console.error(line(row));
if (flags.has('--json')) console.log(JSON.stringify({ benchmarks }));
