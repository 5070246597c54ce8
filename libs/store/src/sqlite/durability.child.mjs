// A process to be killed: commits without pause and says each number on its output once the store has acknowledged it.
import { writeSync } from 'node:fs';
import { openSqliteStore } from '#store';

const [path, from, inFlight] = process.argv.slice(2);
const store = await openSqliteStore({ path });
let next = Number(from);

async function commitOn() {
  for (;;) {
    const n = next++;
    const result = await store.commit({
      checks: [{ key: ['state', `${n}`], version: null }],
      puts: [{ key: ['state', `${n}`], value: n }],
      appends: [
        { stream: ['events'], value: n },
        { stream: ['events'], value: -n },
      ],
    });
    if (!result.ok) throw new Error(`${n} was there already`);
    writeSync(1, `${n}\n`);
  }
}

await Promise.all(Array.from({ length: Number(inFlight) }, commitOn));
